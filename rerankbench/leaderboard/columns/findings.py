"""What columns need of several rows at once: computed before any entry of a table is filled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from rerankbench.results import derived
from rerankbench.types import Record, TaskKey

if TYPE_CHECKING:
    # They import numpy, which tables without significance and games need not wait for.
    from rerankbench.compare.rated import TaskRatings
    from rerankbench.compare.significance import Significance, SystemSignificance

Values: TypeAlias = Mapping[str, float]
"""query_id → value of a metric."""


class GamesKey(NamedTuple):
    """Which games: on these collections (empty: all), by this metric and margin for ties."""

    members: tuple[tuple[str, ...], ...]
    metric: str | None
    margin: float


class Bounds(NamedTuple):
    """A metric of a task's candidates: in the first stage's order, and in the best one."""

    first_stage: Values
    best: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Results of tests, games and ceilings for the rows of a table: those that its columns show.

    `ratings` has None where no two rows met. `bounds` is by key of the task's file and metric.
    """

    significance: Mapping[tuple[TaskKey, str], Significance] = field(default_factory=dict)
    ratings: Mapping[GamesKey, TaskRatings | None] = field(default_factory=dict)
    bounds: Mapping[tuple[str, str], Bounds] = field(default_factory=dict)

    def significance_of(
        self, records: Sequence[Record], metric: str | None
    ) -> SystemSignificance | None:
        """The result of the tests for an entry with one record.

        None where there are several records, or where the record lacks the metric.
        """
        key = tested(records, metric)
        if key is None:
            return None
        standings = self.significance[key].standings
        return next(standing for standing in standings if standing.record is records[0])


def tested(records: Sequence[Record], metric: str | None) -> tuple[TaskKey, str] | None:
    """The task and metric in which an entry's record is tested; None unless it has exactly one."""
    if len(records) != 1 or metric is None:
        return None
    metric = derived.metric_in(records[0], metric)
    return (records[0].task, metric) if metric in records[0].per_query else None
