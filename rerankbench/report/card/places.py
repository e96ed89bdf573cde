"""The rank of a reranker in each figure, among those with a comparable one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rerankbench.compare.rated import TaskRatings
from rerankbench.compare.ratings import RatedReranker
from rerankbench.results import derived
from rerankbench.stats import order

_EQUAL = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedFigure:
    """A figure and its rank among the `of` rerankers with a comparable one.

    `value` is None if not measured, `rank` also for rows that are not rerankers.
    """

    value: float | None = None
    rank: int | None = None
    of: int = 0


def rating(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    return RankedFigure(value=standing.rating, rank=standing.rank, of=rated.overall.ranked)


def win_rate(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The share of points, with its rank."""
    rates = {other.name: other.win_rate for other in _competitors(rated, standing)}
    return _placed(standing, rates)


def quality(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The mean of the metric over all collections, among those that ran on all of them."""
    weight = sum(task.weight for task in rated.tasks)
    values = {}
    for name in [other.name for other in _competitors(rated, standing)]:
        means = [
            task.weight * mean
            for task in rated.tasks
            if name in task.records
            and (mean := derived.mean_of(task.records[name], rated.metric)) is not None
        ]
        if len(means) == len(rated.tasks):
            values[name] = sum(means) / weight
    return _placed(standing, values)


def latency(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The median over its collections of the median request, in milliseconds.

    It is compared with rerankers timed on all of them, on the same machine and device.
    """
    settings = [setting for setting, _ in _medians_ms(rated, standing.name)]
    if not settings:
        return RankedFigure()
    setting = max(settings, key=lambda candidate: (settings.count(candidate), candidate))
    timed = {
        other.name: {
            task: value
            for (of_setting, task), value in _medians_ms(rated, other.name).items()
            if of_setting == setting
        }
        for other in _competitors(rated, standing)
    }
    tasks = timed[standing.name].keys()
    values = {
        name: order.median([by_task[task] for task in tasks])
        for name, by_task in timed.items()
        if tasks <= by_task.keys()
    }
    return _placed(standing, values, lowest_first=True)


def _competitors(rated: TaskRatings, standing: RatedReranker) -> list[RatedReranker]:
    """All that have a rank, and the given one in any case."""
    return [
        other
        for other in rated.overall.standings
        if other.rank is not None or other.name == standing.name
    ]


def _placed(
    standing: RatedReranker, values: Mapping[str, float], *, lowest_first: bool = False
) -> RankedFigure:
    """The value and its rank among all values; equal values share a rank."""
    value = values.get(standing.name)
    if value is None or standing.rank is None:
        return RankedFigure(value=value)
    sign = -1 if lowest_first else 1
    better = sum(sign * (other - value) > _EQUAL for other in values.values())
    return RankedFigure(value=value, rank=1 + better, of=len(values))


def _medians_ms(rated: TaskRatings, name: str) -> dict[tuple[tuple[str, str], str], float]:
    """(machine and device, title of the task) → the median request."""
    medians = {}
    for task in rated.tasks:
        record = task.records.get(name)
        value = None if record is None else derived.latency_ms(record, 50)
        if record is not None and value is not None:
            medians[derived.setting(record), task.title] = value
    return medians
