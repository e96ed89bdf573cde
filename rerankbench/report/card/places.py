"""Where a reranker stands among the others, figure by figure; only what compares is ranked."""

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
    """A figure and its rank among the `of` rerankers that have a comparable one.

    None for a figure that was not measured, and for the rank of what is no reranker.
    """

    value: float | None = None
    rank: int | None = None
    of: int = 0


def rating(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The rating over all collections."""
    return RankedFigure(value=standing.rating, rank=standing.rank, of=rated.overall.ranked)


def win_rate(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The share of all points."""
    rates = {one.name: one.win_rate for one in _compared(rated, standing)}
    return _placed(standing, rates)


def quality(rated: TaskRatings, standing: RatedReranker) -> RankedFigure:
    """The mean of the metric over all collections, among those that ran on all of them."""
    weight = sum(task.weight for task in rated.tasks)
    values = {}
    for name in [one.name for one in _compared(rated, standing)]:
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
    """The median over its collections of its median request, in milliseconds.

    Compared with those that were timed on all of them, on the same machine and device.
    """
    settings = [setting for setting, _ in _medians_ms(rated, standing.name)]
    if not settings:
        return RankedFigure()
    setting = max(settings, key=lambda each: (settings.count(each), each))
    timed = {
        one.name: {
            task: value
            for (its, task), value in _medians_ms(rated, one.name).items()
            if its == setting
        }
        for one in _compared(rated, standing)
    }
    asked = timed[standing.name].keys()
    values = {
        name: order.median([found[task] for task in asked])
        for name, found in timed.items()
        if asked <= found.keys()
    }
    return _placed(standing, values, lowest_first=True)


def _compared(rated: TaskRatings, standing: RatedReranker) -> list[RatedReranker]:
    """All that have a rank, and the one that is asked about."""
    return [
        one for one in rated.overall.standings if one.rank is not None or one.name == standing.name
    ]


def _placed(
    standing: RatedReranker, values: Mapping[str, float], *, lowest_first: bool = False
) -> RankedFigure:
    """The value and its rank among them all; equal values share one."""
    value = values.get(standing.name)
    if value is None or standing.rank is None:
        return RankedFigure(value=value)
    sign = -1 if lowest_first else 1
    better = sum(sign * (other - value) > _EQUAL for other in values.values())
    return RankedFigure(value=value, rank=1 + better, of=len(values))


def _medians_ms(rated: TaskRatings, name: str) -> dict[tuple[tuple[str, str], str], float]:
    """(machine and device, title of the task) → the median request."""
    found = {}
    for task in rated.tasks:
        record = task.records.get(name)
        value = None if record is None else derived.latency_ms(record, 50)
        if record is not None and value is not None:
            found[derived.setting(record), task.title] = value
    return found
