"""Records → ratings: each task by itself, and all of them together.

A metric decides the games, or a judge whose answers are stored.

Rerankers and the first stage's own order play. Oracle and random do not: the one is a bound, and
wins against the other say nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from rerankbench.compare.games import Games, games_by_metric, games_of
from rerankbench.compare.judged import StoredJudge, outcomes_of
from rerankbench.compare.ratings import Ratings, fit
from rerankbench.errors import UsageError
from rerankbench.known import collections as known_collections
from rerankbench.registry import naming
from rerankbench.results import derived, grouping
from rerankbench.results.verdicts import JudgedMatch
from rerankbench.types import Record, TaskKey, slug


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedTask:
    """One task: name of the player → its record, the ratings, and what the task counts overall.

    Tasks of one collection (the forums of CQADupStack, or two depths) count as one together; where
    they share its name the title says in what they differ.
    """

    title: str
    records: Mapping[str, Record]
    ratings: Ratings
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedGames:
    """What the games of a judge rest on.

    Answers of both orders are counted in `answers`. In so many games they disagreed, one of them
    could not be read, or there were none because both rankings showed the same. `left_out` names
    the tasks and pairs that the judge was not asked about.
    """

    judge: str
    games: int
    answers: int
    disagreed: int
    malformed: int
    identical: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRatings:
    """All tasks in which rerankers met, by their keys; `overall` joins them.

    `judged` is None where the metric decided the games.
    """

    metric: str
    margin: float
    tasks: tuple[RatedTask, ...]
    overall: Ratings
    judged: JudgedGames | None = None

    @property
    def decided_by(self) -> str:
        """Who decided the games."""
        return self.metric if self.judged is None else f"the judge {self.judged.judge}"


def plays(record: Record) -> bool:
    """Whether games are made of the record."""
    return derived.is_first_stage(record) or not derived.is_baseline(record)


def by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Name of the reranker → the newest of its records in each task, for all that play."""
    playing = (record for record in records if plays(record))
    newest = grouping.newest(playing, lambda each: (each.cell.reranker.name, each.task))
    names: dict[str, list[Record]] = {}
    for (name, _), record in sorted(newest.items()):
        names.setdefault(name, []).append(record)
    return names


def rate(
    players: Mapping[str, Sequence[Record]],
    *,
    metric: str | None = None,
    margin: float = 0.0,
    judge: StoredJudge | None = None,
) -> TaskRatings:
    """Ratings of these players, from the values of a metric on every query, or from answers.

    Without a metric it is the headline of the records. Tasks with missed positives added are left
    out where there are others: no search reaches them. Raises UsageError where no two players met.
    """
    records = grouping.in_order([record for found in players.values() for record in found])
    metric = naming.metric_as_held(metric) if metric else None
    metric = metric or (derived.headline(records) if records else None) or "a metric"
    tasks = _tasks(players, metric if judge is None else None)
    titles = grouping.distinct_titles(
        [_collection(task) for task in tasks], [next(iter(task.values())) for task in tasks]
    )
    pairs = [[] if judge is None else judge.pairs(list(found.values())) for found in tasks]
    games = [
        _by_metric(found, metric, margin) if judge is None else _by_judge(found, its)
        for found, its in zip(tasks, pairs, strict=True)
    ]
    met = [at for at, pool in enumerate(games) if pool.models]
    if not met:
        raise UsageError(_nobody_met(records, metric, judge))
    pools = {
        at: replace(games[at], weight=weight)
        for at, weight in zip(met, _weights([tasks[at] for at in met]), strict=True)
    }
    first_stages = {
        name for name, found in players.items() if any(map(derived.is_first_stage, found))
    }
    tasks_met = tuple(
        RatedTask(
            title=titles[at],
            records={name: tasks[at][name] for name in pool.models},
            ratings=fit([pool], references=first_stages),
            weight=pool.weight,
        )
        for at, pool in pools.items()
    )
    return TaskRatings(
        metric=metric,
        margin=margin,
        tasks=tasks_met,
        overall=tasks_met[0].ratings
        if len(met) == 1
        else fit(list(pools.values()), references=first_stages),
        judged=None if judge is None else _judged_games(judge.name, tasks, titles, pairs),
    )


def _by_metric(task: Mapping[str, Record], metric: str, margin: float) -> Games:
    values = {name: derived.values_of(record, metric) for name, record in task.items()}
    return games_by_metric(values, margin=margin, collection=_collection(task))


def _by_judge(task: Mapping[str, Record], pairs: Sequence[JudgedMatch]) -> Games:
    """A player may go by another name than its record."""
    players = {record.cell.reranker.name: name for name, record in task.items()}
    outcomes = (replace(each, a=players[each.a], b=players[each.b]) for each in outcomes_of(pairs))
    return games_of(outcomes, collection=_collection(task))


def _judged_games(
    judge: str,
    tasks: Sequence[Mapping[str, Record]],
    titles: Sequence[str],
    pairs: Sequence[Sequence[JudgedMatch]],
) -> JudgedGames:
    every = [each for its in pairs for each in its]
    counts = sum((each.counts() for each in every), start=Counter[str]())
    return JudgedGames(
        judge=judge,
        games=sum(len(each.answers) for each in every),
        answers=sum(len(both) for each in every for both in each.answers.values()),
        disagreed=counts["disagreed"],
        malformed=counts["malformed"],
        identical=counts["identical"],
        left_out=tuple(
            missing
            for task, title, its in zip(tasks, titles, pairs, strict=True)
            for missing in _unjudged(task, title, its)
        ),
    )


def _unjudged(
    task: Mapping[str, Record], title: str, pairs: Sequence[JudgedMatch]
) -> Iterator[str]:
    """The task, or the pairs in it, without answers."""
    if not pairs:
        yield title
        return
    judged = {frozenset((each.a.reranker, each.b.reranker)) for each in pairs}
    for (a, one), (b, other) in combinations(task.items(), 2):
        if frozenset((one.cell.reranker.name, other.cell.reranker.name)) not in judged:
            yield f"{a} and {b} on {title}"


def _nobody_met(records: Sequence[Record], metric: str, judge: StoredJudge | None) -> str:
    if judge is not None:
        return (
            f"{judge.name} judged no two of these rerankers; run `rerankbench judge` on them first"
        )
    held = sorted({each for record in records for each in record.per_query})
    return (
        f"no two rerankers have {metric} on the same queries, so none can be rated; "
        f"the records hold {', '.join(held) or 'no metric'}"
    )


def _tasks(players: Mapping[str, Sequence[Record]], metric: str | None) -> list[dict[str, Record]]:
    """For each task of two or more, by its key: name of the player → the record with the metric.

    Without a metric every record will do.
    """
    tasks: dict[TaskKey, dict[str, Record]] = {}
    for name, found in sorted(players.items()):
        for record in found:
            if plays(record) and (metric is None or derived.mean_of(record, metric) is not None):
                tasks.setdefault(record.task, {})[name] = record
    shared = [task for _, task in sorted(tasks.items()) if len(task) > 1]
    return [task for task in shared if not _adds_positives(task)] or shared


def _adds_positives(task: Mapping[str, Record]) -> bool:
    return next(iter(task.values())).cell.adds_positives


def _collection(task: Mapping[str, Record]) -> str:
    return next(iter(task.values())).cell.collection.name


def _weights(tasks: Sequence[Mapping[str, Record]]) -> list[float]:
    """One for each collection, shared by its tasks."""
    wholes = {
        slug(member): whole.slug for whole in known_collections.known() for member in whole.members
    }
    slugs = [slug(_collection(task)) for task in tasks]
    collections = [wholes.get(slug, slug) for slug in slugs]
    return [1 / collections.count(collection) for collection in collections]
