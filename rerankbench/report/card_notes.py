"""What a card says below its figures: how they came about, and what could be read wrong."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.compare.rated import Rated
from rerankbench.compare.ratings import Standing


def method(rated: Rated) -> Iterator[str]:
    """How the figures came about."""
    within = f" by more than {rated.margin:g}" if rated.margin else ""
    yield (
        f"A game is one query and two rerankers. The one with the higher {rated.metric}{within} "
        "wins; else it is a tie, half a win for both."
    )
    yield (
        "Ratings are those of the Bradley–Terry model, fitted to all games at once by maximum "
        "likelihood, on Elo's scale with a mean of 1500. A reranker that is 100 points ahead of "
        f"another can expect 64 % of their points. The bounds are {rated.overall.confidence:.0%} "
        f"intervals from {rated.overall.resamples:,} resamples of the queries."
    )
    if len(rated.tasks) > 1:
        yield (
            "Overall, every collection counts alike in rating, win rate and "
            f"{rated.metric}, however many queries it has. Wins, losses and ties are counts."
        )
    references = [one.name for one in rated.overall.standings if one.rank is None]
    if references:
        yield f"{', '.join(references)} is the first stage's own order: it plays and has no rank."


def cautions(rated: Rated, standing: Standing) -> Iterator[str]:
    """What a reader of this reranker's figures should know."""
    better = [
        one.name
        for one in rated.overall.standings
        if one.rank is None and one.rating > standing.rating
    ]
    if better and standing.rank is not None:
        yield f"{', '.join(better)} is rated higher: on the whole, reranking made results worse."
    played = [task for task in rated.tasks if standing.name in task.records]
    if not all(task.ratings.as_it_stands for task in played):
        yield (
            "where rerankers won, or lost, every game against the others no finite rating is the "
            "likeliest: one more query on which all tie was added, and their intervals say little."
        )
    missing = [task.title for task in rated.tasks if standing.name not in task.records]
    if missing:
        yield (
            f"not run on {', '.join(missing)}: the overall rating rests on the games on the other "
            "collections."
        )
    sampled = {
        task.title: task.records[standing.name].cell.collection.sampled_queries for task in played
    }
    shown = [f"{title} ({count})" for title, count in sampled.items() if count is not None]
    if shown:
        yield f"only a sample of the queries was run: {', '.join(shown)}."
    warnings: dict[str, list[str]] = {}
    for task in played:
        for warning in task.records[standing.name].warnings:
            warnings.setdefault(warning, []).append(task.title)
    for warning, titles in warnings.items():
        yield f"{', '.join(titles)}: {warning}."
