"""Records → ratings: each task by itself, and all of them together.

Games are decided by a metric, or by a judge's stored answers.

Rerankers and the first stage's own order play. Oracle and random do not: one is a bound, and
wins against the other mean nothing.
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
    """One task: its records by player's name, its ratings, and its weight in the overall rating.

    The tasks of a collection (the forums of CQADupStack, or two depths) share its weight; where
    they share its name, the title says how they differ.
    """

    title: str
    records: Mapping[str, Record]
    ratings: Ratings
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedGames:
    """Counts of the answers behind a judge's games.

    `answers` counts those of both orders. The other counts are games in which they disagreed, one
    could not be read, or nothing was asked since both rankings were alike. `left_out` names
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
    """Whether the record takes part in games."""
    return derived.is_first_stage(record) or not derived.is_baseline(record)


def by_name(records: Iterable[Record]) -> dict[str, list[Record]]:
    """Name of the reranker → the newest of its records in each task, for all that play."""
    playing = (record for record in records if plays(record))
    newest = grouping.newest(playing, lambda record: (record.cell.reranker.name, record.task))
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

    The default metric is the records' headline. Tasks with missed positives added are left
    out where there are others: no search reaches them. Raises UsageError where no two players met.
    """
    records = grouping.in_order([record for of_player in players.values() for record in of_player])
    metric = naming.metric_as_held(metric) if metric else None
    metric = metric or (derived.headline(records) if records else None) or "a metric"
    tasks = _tasks(players, metric if judge is None else None)
    titles = grouping.distinct_titles(
        [_collection(task) for task in tasks], [next(iter(task.values())) for task in tasks]
    )
    pairs = [[] if judge is None else judge.pairs(list(task.values())) for task in tasks]
    games = [
        _by_metric(task, metric, margin) if judge is None else _by_judge(task, matches)
        for task, matches in zip(tasks, pairs, strict=True)
    ]
    played = [at for at, pool in enumerate(games) if pool.models]
    if not played:
        raise UsageError(_nobody_met(records, metric, judge))
    pools = {
        at: replace(games[at], weight=weight)
        for at, weight in zip(played, _weights([tasks[at] for at in played]), strict=True)
    }
    first_stages = {
        name for name, of_player in players.items() if any(map(derived.is_first_stage, of_player))
    }
    rated_tasks = tuple(
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
        tasks=rated_tasks,
        overall=rated_tasks[0].ratings
        if len(played) == 1
        else fit(list(pools.values()), references=first_stages),
        judged=None if judge is None else _judged_games(judge.name, tasks, titles, pairs),
    )


def _by_metric(task: Mapping[str, Record], metric: str, margin: float) -> Games:
    values = {name: derived.values_of(record, metric) for name, record in task.items()}
    return games_by_metric(values, margin=margin, collection=_collection(task))


def _by_judge(task: Mapping[str, Record], pairs: Sequence[JudgedMatch]) -> Games:
    """Maps record names to player names, which may differ."""
    players = {record.cell.reranker.name: name for name, record in task.items()}
    outcomes = (replace(game, a=players[game.a], b=players[game.b]) for game in outcomes_of(pairs))
    return games_of(outcomes, collection=_collection(task))


def _judged_games(
    judge: str,
    tasks: Sequence[Mapping[str, Record]],
    titles: Sequence[str],
    pairs: Sequence[Sequence[JudgedMatch]],
) -> JudgedGames:
    every = [match for of_task in pairs for match in of_task]
    counts = sum((match.counts() for match in every), start=Counter[str]())
    return JudgedGames(
        judge=judge,
        games=sum(len(match.answers) for match in every),
        answers=sum(len(both) for match in every for both in match.answers.values()),
        disagreed=counts["disagreed"],
        malformed=counts["malformed"],
        identical=counts["identical"],
        left_out=tuple(
            missing
            for task, title, matches in zip(tasks, titles, pairs, strict=True)
            for missing in _unjudged(task, title, matches)
        ),
    )


def _unjudged(
    task: Mapping[str, Record], title: str, pairs: Sequence[JudgedMatch]
) -> Iterator[str]:
    """The task's title if it has no answers, else its pairs without answers."""
    if not pairs:
        yield title
        return
    judged = {frozenset((match.a.reranker, match.b.reranker)) for match in pairs}
    for (a, first), (b, second) in combinations(task.items(), 2):
        if frozenset((first.cell.reranker.name, second.cell.reranker.name)) not in judged:
            yield f"{a} and {b} on {title}"


def _nobody_met(records: Sequence[Record], metric: str, judge: StoredJudge | None) -> str:
    if judge is not None:
        return (
            f"{judge.name} judged no two of these rerankers; run `rerankbench judge` on them first"
        )
    available = sorted({name for record in records for name in record.per_query})
    return (
        f"no two rerankers have {metric} on the same queries, so none can be rated; "
        f"the records hold {', '.join(available) or 'no metric'}"
    )


def _tasks(players: Mapping[str, Sequence[Record]], metric: str | None) -> list[dict[str, Record]]:
    """For each task that two or more players share: player's name → record with the metric.

    Without a metric, any record counts.
    """
    tasks: dict[TaskKey, dict[str, Record]] = {}
    for name, of_player in sorted(players.items()):
        for record in of_player:
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
