"""Cautions below a card."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.compare.rated import TaskRatings
from rerankbench.compare.rated_words import not_judged
from rerankbench.compare.ratings import RatedReranker


def cautions(rated: TaskRatings, standing: RatedReranker) -> Iterator[str]:
    """Cautions about this reranker's figures."""
    better = [
        other.name
        for other in rated.overall.standings
        if other.rank is None and other.rating > standing.rating
    ]
    if better and standing.rank is not None:
        yield f"{', '.join(better)}, the order without any reranking, is rated higher."
    played = [task for task in rated.tasks if standing.name in task.records]
    if not all(task.ratings.as_it_stands for task in played):
        yield (
            "some rerankers won, or lost, every game against the others, so their rating would be "
            "infinite: one query on which all tie was added, and their intervals mean little."
        )
    yield from not_judged(rated)
    missing = [task.title for task in rated.tasks if standing.name not in task.records]
    if missing:
        absent = "not run" if rated.judged is None else "not judged"
        yield (
            f"{absent} on {', '.join(missing)}: the overall rating rests on the games on the "
            "other collections."
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
