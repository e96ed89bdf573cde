"""Columns of quality: a metric, what it gains over the first stage, an average of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Protocol, TypeAlias

from pydantic import BeforeValidator

from rerankbench.known import metric_name
from rerankbench.leaderboard.columns.base import Column, Context, Decimals, Names, as_tuple
from rerankbench.leaderboard.columns.tested import TestResult, significance_notes
from rerankbench.leaderboard.rows import RowRecords, first_of
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived
from rerankbench.results.numbers import Form
from rerankbench.types import Record

if TYPE_CHECKING:
    from rerankbench.compare.significance import SystemSignificance
    from rerankbench.stats.paired import Interval

Scale: TypeAlias = Literal[1, 100]


class MeasuredColumn(Column):
    """A column filled from one collection, or from several taken together.

    `joins_all`: whether it shows all collections together if it names none. `in_metrics_units`:
    whether its figures are values of the metric, so that its head shows the level. Each of the
    `members` is a name, or several names of which the first one that a row has counts.
    """

    joins_all: ClassVar[bool] = False
    in_metrics_units: ClassVar[bool] = False
    notes_place = 2

    collection: Names = ()
    members: Annotated[tuple[Names, ...], BeforeValidator(as_tuple)] = ()
    first_stage: Names = ()
    adds_positives: bool = False
    metric: str | None = None
    decimals: Decimals | None = None

    @property
    def tests_shown(self) -> frozenset[TestResult]:
        """The results of significance tests that it shows."""
        return frozenset()

    def notes(self, context: Context) -> Iterator[str]:
        if self.tests_shown:
            every = (column.tests_shown for column in context.of(MeasuredColumn))
            yield from significance_notes(
                context.findings, frozenset().union(*every), context.selection.baseline
            )

    @property
    def parts(self) -> tuple[Names, ...]:
        """The collections whose mean it shows, each with its alternative names."""
        return self.members or ((self.collection,) if self.collection else ())

    @property
    def ways_named(self) -> int:
        """How many of the ways to name collections it uses; exactly one is right."""
        return bool(self.collection) + bool(self.members)

    @property
    def shown_collection(self) -> str:
        """What `{collection}` stands for in the header."""
        return ", ".join(names[0] for names in self.parts)

    def tested(self, row: RowRecords, context: Context) -> SystemSignificance | None:
        """The test results of the row's only record; None for several records or none."""
        metric = self.metric or context.metric
        return context.findings.significance_of(shown(self, row), metric)

    def head_fields(self, context: Context) -> dict[str, object]:
        """Use the column's own metric and collection, and add the level of relevance unless 1."""
        metric = self.metric or context.metric
        of_records = None if metric is None else self._metric_shown(metric, context)
        own = {"collection": self.shown_collection, "metric": of_records or metric}
        return super().head_fields(context) | {key: value for key, value in own.items() if value}

    def level_shown(self, context: Context) -> int:
        """The lowest grade that counts as relevant in all its figures; 1 where they differ."""
        metric = self.metric or context.metric
        if metric is None or not self.in_metrics_units:
            return 1
        return metric_name.level(self._metric_shown(metric, context))

    def _metric_shown(self, metric: str, context: Context) -> str:
        """The metric at the level that all records of the column share."""
        records = [record for row in context.selection.lines for record in shown(self, row)]
        return derived.name_for(records, metric)


class RepeatedColumn(MeasuredColumn):
    """A column that a layout may ask for once for each collection in the records."""

    every_collection: bool = False

    @property
    def ways_named(self) -> int:
        """Counts naming every collection as well."""
        return super().ways_named + self.every_collection


class MetricColumn(RepeatedColumn):
    """The mean of a metric over all queries with judgments, perhaps with letters and interval."""

    better = "higher"
    in_metrics_units = True

    kind: Literal["metric"]
    scale: Scale = 1
    interval: bool = False
    tiers: bool = False

    @property
    def tests_shown(self) -> frozenset[TestResult]:
        shown: dict[TestResult, bool] = {"interval": self.interval, "tiers": self.tiers}
        return frozenset(result for result, is_shown in shown.items() if is_shown)

    @property
    def heads(self) -> frozenset[str]:
        """Names by which an average may refer to it: its head, or a head above it."""
        return frozenset({self.header or self.shown_collection, *self.above})

    @property
    def head(self) -> str:
        """The given header, else the collection, else (in tables of one collection) the metric."""
        usual = "{collection}" if self.shown_collection else "{metric}"
        return usual if self.header is None else self.header

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The mean, blank where a record is missing."""
        tested = self.tested(row, context) if self.tests_shown else None
        return scaled(
            self,
            context,
            mean_of_shown(self, row, context),
            interval=tested.interval if tested and self.interval else None,
            mark=tested.tier if tested and self.tiers else "",
        )


class DeltaColumn(MeasuredColumn):
    """The difference between the metric and that of the first stage's own order."""

    better = "higher"
    in_metrics_units = True

    kind: Literal["delta"]
    scale: Scale = 1
    interval: bool = False

    @property
    def tests_shown(self) -> frozenset[TestResult]:
        return frozenset({"interval"} if self.interval else ())

    @property
    def head(self) -> str:
        """The given header, or one with the collection if the column names one."""
        usual = "Δ {collection}" if self.shown_collection else "Δ"
        return usual if self.header is None else self.header

    def explained(self, context: Context) -> str:
        base = context.selection.baseline or "the first stage's own order"
        return f"difference to {base}"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The difference within the same task."""
        tested = self.tested(row, context) if self.tests_shown else None
        return scaled(
            self,
            context,
            _delta(self, row, context),
            form="signed",
            interval=tested.against.interval if tested and tested.against else None,
        )


class ScaledColumn(Protocol):
    """A column whose figures a layout may scale."""

    @property
    def scale(self) -> Scale:
        """What figures are multiplied by."""

    @property
    def decimals(self) -> int | None:
        """Digits after the point; None for those of the layout."""


def scaled(
    column: ScaledColumn,
    context: Context,
    value: float | None,
    *,
    form: Form = "fixed",
    interval: Interval | None = None,
    mark: str = "",
) -> Entry:
    """A figure as the column shows it."""
    scale = column.scale
    return Entry(
        value=None if value is None else scale * value,
        form=form,
        decimals=context.decimals if column.decimals is None else column.decimals,
        span=(scale * interval.low, scale * interval.high) if interval else None,
        mark=mark,
    )


def shown(column: MeasuredColumn, row: RowRecords) -> list[Record]:
    """The records behind the entry; none where one of them is missing."""
    records = row.view(column.first_stage, adds_positives=column.adds_positives)
    if not column.parts:
        return list(records.values())
    present = [first_of(records, names) for names in column.parts]
    complete = [record for record in present if record is not None]
    return complete if len(complete) == len(present) else []


def mean_of_shown(column: MeasuredColumn, row: RowRecords, context: Context) -> float | None:
    """The mean of a row's entry; None where a record or the metric is missing."""
    metric = column.metric or context.metric
    if metric is None:
        return None
    return all_or_none([derived.mean_of(record, metric) for record in shown(column, row)])


def _delta(column: DeltaColumn, row: RowRecords, context: Context) -> float | None:
    mean, metric = mean_of_shown(column, row, context), column.metric or context.metric
    records = shown(column, row)
    bases = [context.selection.bases.get(record.task) for record in records]
    is_base = any(base is record for base, record in zip(bases, records, strict=True))
    if mean is None or metric is None or is_base:
        return None
    base = all_or_none(
        [None if record is None else derived.mean_of(record, metric) for record in bases]
    )
    return None if base is None else mean - base


def all_or_none(values: Sequence[float | None]) -> float | None:
    """Their mean, unless there is none or one is missing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None
