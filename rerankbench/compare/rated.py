"""Records → ratings: each task by itself, and all of them together.

Rerankers and the first stage's own order play. Oracle and random do not: the one is a bound, and
wins against the other say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rerankbench import catalogue, figures
from rerankbench.compare.outcomes import games_by_metric
from rerankbench.compare.ratings import Ratings, fit
from rerankbench.errors import UsageError
from rerankbench.types import Record

_SHOWN_CHARACTERS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedTask:
    """One task: name of the reranker → its record, the ratings, and what the task counts overall.

    Tasks of one collection (the forums of CQADupStack, or two depths) count as one together; where
    they share its name the title says in what they differ.
    """

    title: str
    records: Mapping[str, Record]
    ratings: Ratings
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """All tasks in which rerankers met, by their keys; `overall` joins them."""

    metric: str
    margin: float
    tasks: tuple[RatedTask, ...]
    overall: Ratings


def plays(record: Record) -> bool:
    """Whether games are made of the record."""
    return figures.is_first_stage(record) or not figures.is_baseline(record)


def by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Name of the reranker → the newest of its records in each task, for all that play.

    Tasks with missed positives added are left out where there are others: no search reaches them.
    """
    found = [record for record in records if plays(record)]
    found = [record for record in found if not record.cell.adds_positives] or found
    newest: dict[tuple[str, tuple[str, ...]], Record] = {}
    for record in sorted(found, key=figures.age):
        newest[record.cell.reranker.name, figures.task_key(record)] = record
    names: dict[str, list[Record]] = {}
    for (name, _), record in sorted(newest.items()):
        names.setdefault(name, []).append(record)
    return names


def rate(
    players: Mapping[str, Sequence[Record]], *, metric: str | None = None, margin: float = 0.0
) -> Rated:
    """Ratings of these players, from the values of a metric on every query.

    Without a metric it is the headline of the records. Raises UsageError where no two of them have
    values for the same queries of the same task.
    """
    records = figures.in_order([record for found in players.values() for record in found])
    metric = metric or (figures.headline(records) if records else None) or "a metric"
    tasks = _tasks(players, metric)
    pools = [
        games_by_metric(
            {name: record.per_query[metric] for name, record in found.items()},
            margin=margin,
            collection=_collection(found),
            weight=weight,
        )
        for found, weight in zip(tasks, _weights(tasks), strict=True)
    ]
    met = [(found, pool) for found, pool in zip(tasks, pools, strict=True) if pool.models]
    if not met:
        held = sorted({each for record in records for each in record.per_query})
        raise UsageError(
            f"no two rerankers have {metric} on the same queries, so none can be rated; "
            f"the records hold {', '.join(held) or 'no metric'}"
        )
    first_stages = {
        name for name, found in players.items() if any(map(figures.is_first_stage, found))
    }
    tasks_met = tuple(
        RatedTask(
            title=title,
            records=found,
            ratings=fit([pool], references=first_stages),
            weight=pool.weight,
        )
        for (found, pool), title in zip(met, _titles([each for each, _ in met]), strict=True)
    )
    return Rated(
        metric=metric,
        margin=margin,
        tasks=tasks_met,
        overall=tasks_met[0].ratings
        if len(met) == 1
        else fit([pool for _, pool in met], references=first_stages),
    )


def _tasks(players: Mapping[str, Sequence[Record]], metric: str) -> list[dict[str, Record]]:
    """For each task, by its key: name of the player → the record."""
    tasks: dict[tuple[str, ...], dict[str, Record]] = {}
    for name, found in sorted(players.items()):
        for record in found:
            if plays(record) and record.per_query.get(metric):
                tasks.setdefault(figures.task_key(record), {})[name] = record
    return [tasks[key] for key in sorted(tasks)]


def _collection(task: Mapping[str, Record]) -> str:
    return next(iter(task.values())).cell.collection.name


def _weights(tasks: Sequence[Mapping[str, Record]]) -> list[float]:
    """One for each collection, shared by its tasks."""
    wholes = {
        figures.slug(member): whole.slug for whole in catalogue.known() for member in whole.members
    }
    slugs = [figures.slug(_collection(task)) for task in tasks]
    collections = [wholes.get(slug, slug) for slug in slugs]
    return [1 / collections.count(collection) for collection in collections]


def _titles(tasks: Sequence[Mapping[str, Record]]) -> list[str]:
    """Each collection's name, and where several tasks share it, the facts that differ."""
    facts = [figures.task(next(iter(task.values()))) for task in tasks]
    titles = []
    for task, its in zip(tasks, facts, strict=True):
        name = _collection(task)
        same = [other for other in facts if other["collection"] == its["collection"]]
        differing = [
            f"{fact} {value[:_SHOWN_CHARACTERS]}"
            for fact, value in its.items()
            if len({other[fact] for other in same}) > 1
        ]
        titles.append(f"{name} ({'; '.join(differing)})" if differing else name)
    return titles
