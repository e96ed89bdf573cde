"""Columns of quality: a metric, what it gains over the first stage, an average of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import TYPE_CHECKING, ClassVar, Literal

from rerankbench import figures
from rerankbench.leaderboard.columns.base import Column, Context, Decimals, Names
from rerankbench.leaderboard.columns.standings import standing
from rerankbench.leaderboard.lines import Line
from rerankbench.leaderboard.table import Entry
from rerankbench.types import Record

if TYPE_CHECKING:
    from rerankbench.compare.significance import Standing


class MeasuredColumn(Column):
    """A column filled from one collection, or from several as one.

    `joins_all`: whether it shows all collections together where it names none.
    """

    joins_all: ClassVar[bool] = False

    collection: Names = ()
    members: Names = ()
    metric: str | None = None
    decimals: Decimals | None = None

    @property
    def ways_named(self) -> int:
        """In how many ways it names collections; one is right."""
        return bool(self.collection) + bool(self.members)

    @property
    def shown_collection(self) -> str:
        """What `{collection}` stands for in the header."""
        return ", ".join(self.members or self.collection[:1])

    def head_fields(self, context: Context) -> dict[str, object]:
        """With the column's own metric and collection."""
        own = {"collection": self.shown_collection}
        return (
            super().head_fields(context) | own | ({"metric": self.metric} if self.metric else {})
        )


class RepeatedColumn(MeasuredColumn):
    """A column that a layout may ask for once for each collection in the records."""

    every_collection: bool = False

    @property
    def ways_named(self) -> int:
        """With that of naming every collection."""
        return super().ways_named + self.every_collection


class MetricColumn(RepeatedColumn):
    """The mean of a metric over all queries with judgments, with letters and interval if asked."""

    kind: Literal["metric"]
    interval: bool = False
    tiers: bool = False

    @property
    def head(self) -> str:
        """Without a header the collection, or the metric where the table has one collection."""
        usual = "{collection}" if self.shown_collection else "{metric}"
        return usual if self.header is None else self.header


class DeltaColumn(MeasuredColumn):
    """The metric less that of the first stage's own order."""

    kind: Literal["delta"]
    interval: bool = False

    @property
    def head(self) -> str:
        """Without a header the collection, where the column names one."""
        usual = "Δ {collection}" if self.shown_collection else "Δ first stage"
        return usual if self.header is None else self.header


class AverageColumn(Column):
    """The mean over the table's metric columns; blank unless all of them are filled."""

    usual_header = "Average of {count}"

    kind: Literal["average"]
    decimals: Decimals | None = None

    def head_fields(self, context: Context) -> dict[str, object]:
        """With the number of metric columns."""
        count = sum(isinstance(column, MetricColumn) for column in context.columns)
        return super().head_fields(context) | {"count": count}


def metric(column: MetricColumn, line: Line, context: Context) -> Entry:
    """The mean, blank where a record is missing."""
    value = _mean(column, line, context)
    asked = column.interval or column.tiers
    found = _standing(column, line, context) if asked else None
    interval = found.interval if found and column.interval else None
    return Entry(
        value=value,
        form="fixed",
        decimals=_decimals(column, context),
        span=(interval.low, interval.high) if interval else None,
        mark=found.tier if found and column.tiers else "",
    )


def delta(column: DeltaColumn, line: Line, context: Context) -> Entry:
    """The difference to the first stage's own order of the same task."""
    value = _delta(column, line, context)
    found = _standing(column, line, context) if column.interval else None
    interval = found.against.interval if found and found.against else None
    return Entry(
        value=value,
        form="signed",
        decimals=_decimals(column, context),
        span=(interval.low, interval.high) if interval else None,
    )


def average(column: AverageColumn, line: Line, context: Context) -> Entry:
    """The mean of the row's metric columns."""
    metrics = [one for one in context.columns if isinstance(one, MetricColumn)]
    # An average over the collections that happen to be there compares with nothing.
    value = _all_or_none([_mean(one, line, context) for one in metrics])
    return Entry(value=value, form="fixed", decimals=_decimals(column, context))


def _standing(column: MeasuredColumn, line: Line, context: Context) -> Standing | None:
    return standing(shown(column, line), column.metric or context.metric, context)


def _decimals(column: MeasuredColumn | AverageColumn, context: Context) -> int:
    return context.decimals if column.decimals is None else column.decimals


def shown(column: MeasuredColumn, line: Line) -> list[Record]:
    """The records that the square is made of; none where one of them is missing."""
    if not column.members and not column.collection:
        return list(line.records.values())
    parts: list[tuple[str, ...]] = [(name,) for name in column.members] or [column.collection]
    found = [line.first_of(names) for names in parts]
    present = [record for record in found if record is not None]
    return present if len(present) == len(found) else []


def _mean(column: MeasuredColumn, line: Line, context: Context) -> float | None:
    metric = column.metric or context.metric
    if metric is None:
        return None
    return _all_or_none([record.mean(metric) for record in shown(column, line)])


def _delta(column: DeltaColumn, line: Line, context: Context) -> float | None:
    mean, metric = _mean(column, line, context), column.metric or context.metric
    records = shown(column, line)
    if mean is None or metric is None or any(map(figures.is_first_stage, records)):
        return None
    first_stages = context.selection.first_stages
    bases = [first_stages.get(figures.task_key(record)) for record in records]
    base = _all_or_none([None if one is None else one.mean(metric) for one in bases])
    return None if base is None else mean - base


def _all_or_none(values: Sequence[float | None]) -> float | None:
    """Their mean, unless there is none or one is missing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None
