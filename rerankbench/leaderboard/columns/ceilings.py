"""Columns that hold a metric against what the candidates allow and what the first stage reached.

They need the task file beside the records; where it is missing the entry is blank, and a note
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import fmean
from typing import ClassVar, Literal, NamedTuple

from rerankbench.compare import ceilings
from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.base import Context
from rerankbench.leaderboard.columns.findings import Bounds, Values
from rerankbench.leaderboard.columns.quality import MeasuredColumn, shown
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.protocols import Metric
from rerankbench.registry import naming
from rerankbench.results import derived
from rerankbench.results.tasks import Task


class MeasuredPart(NamedTuple):
    """One of the records behind an entry: the metric, its values, the task."""

    metric: Metric
    values: Values
    task: Task

    def bounds(self, context: Context) -> Bounds:
        """What the first stage reached and what the candidates allow."""
        return context.findings.bounds[self.task.key, self.metric.name]


class ExplainedColumn(MeasuredColumn):
    """A column whose head a note explains."""

    notes_place = 0
    meaning: ClassVar[str]

    def explained(self, context: Context) -> str:
        """What the columns of this kind show."""
        return self.meaning


class TaskColumn(ExplainedColumn):
    """A column that needs the tasks beside the records."""

    def notes(self, context: Context) -> Iterator[str]:
        """Also the collections whose task file is missing."""
        yield from super().notes(context)
        without = {
            record.cell.collection.name
            for record in context.selection.records()
            if context.archive.task(record) is None
        }
        if without:
            names = ", ".join(sorted(without))
            yield f"Caution: blank for {names}: their task files are missing; run them again."


class BoundedColumn(TaskColumn):
    """A column of values between the first stage's own order and the best one."""

    def measured_parts(self, row: RowRecords, context: Context) -> list[MeasuredPart]:
        """One part for each record behind the entry; none where one of them lacks something."""
        name = self.metric or context.metric
        parts = []
        for record in shown(self, row):
            task = context.archive.task(record)
            metric = _metric(None if name is None else derived.metric_in(record, name))
            if metric is None or task is None or metric.name not in record.per_query:
                return []
            parts.append(MeasuredPart(metric, record.per_query[metric.name], task))
        return parts

    def moved_parts(self, row: RowRecords, context: Context) -> list[MeasuredPart]:
        """The same, but none for the first stage itself, whose order is the reference."""
        is_first_stage = any(map(derived.is_first_stage, shown(self, row)))
        return [] if is_first_stage else self.measured_parts(row, context)


class CeilingColumn(BoundedColumn):
    """The metric of the row's candidates in their best order."""

    usual_header = "Ceiling"
    in_metrics_units = True
    meaning = "the same candidates in their best order, by grade."

    kind: Literal["ceiling"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        parts = self.measured_parts(row, context)
        best = [fmean(part.bounds(context).best.values()) for part in parts]
        decimals = context.decimals if self.decimals is None else self.decimals
        return Entry(value=fmean(best) if best else None, form="fixed", decimals=decimals)


class HeadroomColumn(BoundedColumn):
    """How much of the way from the first stage's order to the ceiling was gone, in per cent."""

    usual_header = "Headroom %"
    better = "higher"
    meaning = "how much of the way from the first stage's order to the ceiling was gone."

    kind: Literal["headroom"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The share of the means over the collections; blank for the first stage itself."""
        parts = self.moved_parts(row, context)
        if not parts:
            return Entry()
        share = ceilings.headroom_share(
            _means(part.values for part in parts),
            _means(part.bounds(context).first_stage for part in parts),
            _means(part.bounds(context).best for part in parts),
        )
        value = None if share is None else 100 * share
        return Entry(value=value, form="fixed", decimals=self.decimals or 0)


class WorseColumn(BoundedColumn):
    """How many queries lost against the first stage's own order."""

    usual_header = "Worse"
    meaning = "queries with a lower value than in the first stage's own order."

    kind: Literal["worse"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """A count as text, `3 of 50`; blank for the first stage itself."""
        parts = self.moved_parts(row, context)
        if not parts:
            return Entry()
        moves = [ceilings.moves(part.values, part.bounds(context).first_stage) for part in parts]
        queries = sum(move.queries for move in moves)
        return Entry(value=f"{sum(move.worse for move in moves)} of {queries}")


def _metric(name: str | None) -> Metric | None:
    """None for a metric whose plug-in is not installed here: it cannot be computed anew."""
    try:
        return None if name is None else naming.parse_metric(name)
    except UsageError:
        return None


def _means(values: Iterable[Values]) -> dict[str, float]:
    """The mean of each collection, so that all collections weigh alike."""
    return {str(at): fmean(by_query.values()) for at, by_query in enumerate(values)}
