"""What columns need of several rows at once, found before any square of a table is filled."""

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
    """Which games: on these collections (none for all), by this metric and margin of a tie."""

    members: tuple[tuple[str, ...], ...]
    metric: str | None
    margin: float


class Bounds(NamedTuple):
    """A metric of a task's candidates: in the first stage's order, and in the best one."""

    first_stage: Values
    best: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What tests, games and ceilings say of the rows of a table, as far as its columns show it.

    `ratings` has None where no two rows met. `bounds` is by key of the task's file and metric.
    """

    significance: Mapping[tuple[TaskKey, str], Significance] = field(default_factory=dict)
    ratings: Mapping[GamesKey, TaskRatings | None] = field(default_factory=dict)
    bounds: Mapping[tuple[str, str], Bounds] = field(default_factory=dict)

    def significance_of(
        self, records: Sequence[Record], metric: str | None
    ) -> SystemSignificance | None:
        """How the one record of a square stands in its task.

        None where the square is made of several records, or where its record lacks the metric.
        """
        key = tested(records, metric)
        if key is None:
            return None
        standings = self.significance[key].standings
        return next(standing for standing in standings if standing.record is records[0])


def tested(records: Sequence[Record], metric: str | None) -> tuple[TaskKey, str] | None:
    """The task and the metric that the one record of a square is tested in, if it is."""
    if len(records) != 1 or metric is None:
        return None
    metric = derived.metric_in(records[0], metric)
    return (records[0].task, metric) if metric in records[0].per_query else None
