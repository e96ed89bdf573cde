"""Explains how ratings were computed, for leaderboards and model cards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rerankbench.errors import some

if TYPE_CHECKING:
    from rerankbench.compare.rated import JudgedGames, TaskRatings


def method(rated: TaskRatings) -> Iterator[str]:
    """How the figures were computed, in a few sentences."""
    yield _judged(rated.judged) if rated.judged else _measured(rated)
    yield (
        "Ratings are those of the Bradley–Terry model, fitted to all games at once by maximum "
        "likelihood, on Elo's scale with a mean of 1500. With 100 points more than another, a "
        f"reranker gets 64% of the points. Bounds are {rated.overall.confidence:.0%} intervals "
        f"from {rated.overall.resamples:,} resamples of the queries."
    )
    if len(rated.tasks) > 1:
        yield (
            "Over several collections, ratings and win rates count every collection alike, "
            "however many queries it has; wins, losses and ties are counts."
        )
    first_stages = [standing.name for standing in rated.overall.standings if standing.rank is None]
    if first_stages:
        yield f"{some(first_stages)}: the first stage's own order, which plays and has no rank."


def _measured(rated: TaskRatings) -> str:
    within = f" by more than {rated.margin:g}" if rated.margin else ""
    return (
        f"A game is one query and two rerankers. The one with the higher {rated.metric}{within} "
        "wins; else it is a tie, half a win for both."
    )


def _judged(judged: JudgedGames) -> str:
    return (
        f"A game is one query and two rerankers. The judge {judged.judge} decided, no metric: "
        f"{judged.answers:,} answers on {judged.games:,} games, every pair in both orders. A tie, "
        f"half a win for both, is what the judge called a tie, or a game whose answers disagree "
        f"({judged.disagreed:,} games), include an unreadable one ({judged.malformed:,}), or were "
        f"not asked since both rankings showed the same ({judged.identical:,})."
    )


def not_judged(rated: TaskRatings) -> Iterator[str]:
    """The tasks and pairs for which the judge gave no answers."""
    if rated.judged and rated.judged.left_out:
        yield f"not judged by {rated.judged.judge}, so left out: {some(rated.judged.left_out)}."
