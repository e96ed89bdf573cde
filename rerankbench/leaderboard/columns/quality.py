"""Columns of quality: a metric, what it gains over the first stage, an average of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator

from rerankbench.known import metric_name
from rerankbench.leaderboard.columns.base import Column, Context, Decimals, Names, as_tuple
from rerankbench.leaderboard.columns.tested import standing
from rerankbench.leaderboard.rows import RowRecords, first_of
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived
from rerankbench.results.figures import Form
from rerankbench.types import Record

if TYPE_CHECKING:
    from rerankbench.compare.significance import SystemSignificance
    from rerankbench.stats.paired import Interval

Scale: TypeAlias = Literal[1, 100]


class MeasuredColumn(Column):
    """A column filled from one collection, or from several as one.

    `joins_all`: whether it shows all collections together where it names none. `in_metrics_units`:
    whether its figures are values of the metric, so that its head tells of the level. Each of the
    `members` is a name, or several of which the first that a row has counts.
    """

    joins_all: ClassVar[bool] = False
    in_metrics_units: ClassVar[bool] = False

    collection: Names = ()
    members: Annotated[tuple[Names, ...], BeforeValidator(as_tuple)] = ()
    first_stage: Names = ()
    adds_positives: bool = False
    metric: str | None = None
    decimals: Decimals | None = None

    @property
    def parts(self) -> tuple[Names, ...]:
        """The collections whose mean it shows, each with the other names it goes by."""
        return self.members or ((self.collection,) if self.collection else ())

    @property
    def ways_named(self) -> int:
        """In how many ways it names collections; one is right."""
        return bool(self.collection) + bool(self.members)

    @property
    def shown_collection(self) -> str:
        """What `{collection}` stands for in the header."""
        return ", ".join(names[0] for names in self.parts)

    def head_fields(self, context: Context) -> dict[str, object]:
        """With the column's own metric and collection, and the level of relevance where not 1."""
        metric = self.metric or context.metric
        of_records = None if metric is None else self._metric_shown(metric, context)
        own = {"collection": self.shown_collection, "metric": of_records or metric}
        return super().head_fields(context) | {key: value for key, value in own.items() if value}

    def level_shown(self, context: Context) -> int:
        """The lowest grade that is relevant in all its figures; 1 where they differ in it."""
        metric = self.metric or context.metric
        if metric is None or not self.in_metrics_units:
            return 1
        return metric_name.level(self._metric_shown(metric, context))

    def _metric_shown(self, metric: str, context: Context) -> str:
        """The metric at the level that all records of the column share."""
        records = [record for line in context.selection.lines for record in shown(self, line)]
        return derived.name_for(records, metric)


class RepeatedColumn(MeasuredColumn):
    """A column that a layout may ask for once for each collection in the records."""

    every_collection: bool = False

    @property
    def ways_named(self) -> int:
        """With that of naming every collection."""
        return super().ways_named + self.every_collection


class MetricColumn(RepeatedColumn):
    """The mean of a metric over all queries with judgments, with letters and interval if asked."""

    better = "higher"
    in_metrics_units = True

    kind: Literal["metric"]
    scale: Scale = 1
    interval: bool = False
    tiers: bool = False

    @property
    def heads(self) -> frozenset[str]:
        """What an average may call it: its head, or a head above it."""
        return frozenset({self.header or self.shown_collection, *self.above})

    @property
    def head(self) -> str:
        """Without a header the collection, or the metric where the table has one collection."""
        usual = "{collection}" if self.shown_collection else "{metric}"
        return usual if self.header is None else self.header


class DeltaColumn(MeasuredColumn):
    """The metric less that of the first stage's own order."""

    better = "higher"
    in_metrics_units = True

    kind: Literal["delta"]
    scale: Scale = 1
    interval: bool = False

    @property
    def head(self) -> str:
        """Without a header the collection, where the column names one."""
        usual = "Δ {collection}" if self.shown_collection else "Δ first stage"
        return usual if self.header is None else self.header


class AverageColumn(Column):
    """The mean over the table's metric columns, or over those that it names by their heads.

    Blank unless all of them are filled.
    """

    usual_header = "Average of {count}"
    better = "higher"

    kind: Literal["average"]
    over: Names = ()
    decimals: Decimals | None = None
    scale: Scale = 1

    def head_fields(self, context: Context) -> dict[str, object]:
        """With the number of metric columns."""
        return super().head_fields(context) | {"count": len(self.averaged(context.columns))}

    def averaged(self, columns: Iterable[Column]) -> list[MetricColumn]:
        """The metric columns that count."""
        metrics = [column for column in columns if isinstance(column, MetricColumn)]
        return [one for one in metrics if not self.over or one.heads & set(self.over)]


def metric(column: MetricColumn, line: RowRecords, context: Context) -> Entry:
    """The mean, blank where a record is missing."""
    found = _standing(column, line, context) if column.interval or column.tiers else None
    return _entry(
        column,
        context,
        _mean(column, line, context),
        interval=found.interval if found and column.interval else None,
        mark=found.tier if found and column.tiers else "",
    )


def delta(column: DeltaColumn, line: RowRecords, context: Context) -> Entry:
    """The difference to the first stage's own order of the same task."""
    found = _standing(column, line, context) if column.interval else None
    return _entry(
        column,
        context,
        _delta(column, line, context),
        form="signed",
        interval=found.against.interval if found and found.against else None,
    )


def average(column: AverageColumn, line: RowRecords, context: Context) -> Entry:
    """The mean of the row's metric columns, in full precision."""
    # An average over the collections that happen to be there compares with nothing.
    means = [_mean(one, line, context) for one in column.averaged(context.columns)]
    return _entry(column, context, _all_or_none(means))


def _entry(
    column: MetricColumn | DeltaColumn | AverageColumn,
    context: Context,
    value: float | None,
    *,
    form: Form = "fixed",
    interval: Interval | None = None,
    mark: str = "",
) -> Entry:
    scale = column.scale
    return Entry(
        value=None if value is None else scale * value,
        form=form,
        decimals=context.decimals if column.decimals is None else column.decimals,
        span=(scale * interval.low, scale * interval.high) if interval else None,
        mark=mark,
    )


def _standing(
    column: MeasuredColumn, line: RowRecords, context: Context
) -> SystemSignificance | None:
    return standing(shown(column, line), column.metric or context.metric, context)


def shown(column: MeasuredColumn, line: RowRecords) -> list[Record]:
    """The records that the square is made of; none where one of them is missing."""
    records = line.view(column.first_stage, adds_positives=column.adds_positives)
    if not column.parts:
        return list(records.values())
    found = [first_of(records, names) for names in column.parts]
    present = [record for record in found if record is not None]
    return present if len(present) == len(found) else []


def _mean(column: MeasuredColumn, line: RowRecords, context: Context) -> float | None:
    metric = column.metric or context.metric
    if metric is None:
        return None
    return _all_or_none([derived.mean_of(record, metric) for record in shown(column, line)])


def _delta(column: DeltaColumn, line: RowRecords, context: Context) -> float | None:
    mean, metric = _mean(column, line, context), column.metric or context.metric
    records = shown(column, line)
    if mean is None or metric is None or any(map(derived.is_first_stage, records)):
        return None
    first_stages = context.selection.first_stages
    bases = [first_stages.get(record.task) for record in records]
    base = _all_or_none([None if one is None else derived.mean_of(one, metric) for one in bases])
    return None if base is None else mean - base


def _all_or_none(values: Sequence[float | None]) -> float | None:
    """Their mean, unless there is none or one is missing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None
