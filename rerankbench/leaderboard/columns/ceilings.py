"""Columns that hold a metric against what the candidates allow and what the first stage reached.

They need the task that lies beside the records; where it is missing a square is blank, and a note
says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Literal, TypeAlias

from rerankbench.compare import ceilings
from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.quality import MeasuredColumn, shown
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.protocols import Metric
from rerankbench.registry import naming
from rerankbench.results import derived
from rerankbench.results.tasks import Task

_Values: TypeAlias = Mapping[str, float]


class CeilingColumn(MeasuredColumn):
    """The metric of the row's candidates in their best order."""

    usual_header = "Ceiling"
    in_metrics_units = True

    kind: Literal["ceiling"]


class HeadroomColumn(MeasuredColumn):
    """How much of the way from the first stage's order to the ceiling was gone, in per cent."""

    usual_header = "Headroom %"
    better = "higher"

    kind: Literal["headroom"]


class WorseColumn(MeasuredColumn):
    """How many queries lost against the first stage's own order."""

    usual_header = "Worse"

    kind: Literal["worse"]


def ceiling(column: CeilingColumn, line: RowRecords, context: Context) -> Entry:
    """The mean of the ceilings."""
    found = _tasks(column, line, context)
    best = [fmean(_best(context, task, metric).values()) for metric, _, task in found]
    decimals = context.decimals if column.decimals is None else column.decimals
    return Entry(value=fmean(best) if best else None, form="fixed", decimals=decimals)


def headroom(column: HeadroomColumn, line: RowRecords, context: Context) -> Entry:
    """Of the means over the collections; blank for the first stage itself."""
    found = _tasks(column, line, context)
    if not found or any(map(derived.is_first_stage, shown(column, line))):
        return Entry()
    share = ceilings.headroom_share(
        _means(values for _, values, _ in found),
        _means(_first_stage(context, task, metric) for metric, _, task in found),
        _means(_best(context, task, metric) for metric, _, task in found),
    )
    value = None if share is None else 100 * share
    return Entry(value=value, form="fixed", decimals=column.decimals or 0)


def worse(column: WorseColumn, line: RowRecords, context: Context) -> Entry:
    """A count in words; blank for the first stage itself."""
    found = _tasks(column, line, context)
    if not found or any(map(derived.is_first_stage, shown(column, line))):
        return Entry()
    moves = [
        ceilings.moves(values, _first_stage(context, task, metric))
        for metric, values, task in found
    ]
    queries = sum(each.queries for each in moves)
    return Entry(value=f"{sum(each.worse for each in moves)} of {queries}")


def _tasks(
    column: MeasuredColumn, line: RowRecords, context: Context
) -> list[tuple[Metric, _Values, Task]]:
    """Of each record that the square is made of; none where one of them lacks something."""
    name = column.metric or context.metric
    found = []
    for record in shown(column, line):
        task = context.archive.task(record)
        metric = _metric(None if name is None else derived.metric_in(record, name))
        if metric is None or task is None or metric.name not in record.per_query:
            return []
        found.append((metric, record.per_query[metric.name], task))
    return found


def _metric(name: str | None) -> Metric | None:
    """None for a metric whose plug-in is not installed here: it cannot be computed anew."""
    try:
        return None if name is None else naming.parse_metric(name)
    except UsageError:
        return None


def _best(context: Context, task: Task, metric: Metric) -> _Values:
    key = ("ceiling", task.key, metric.name)
    return context.once(key, lambda: ceilings.ceiling(task, metric))


def _first_stage(context: Context, task: Task, metric: Metric) -> _Values:
    key = ("first stage", task.key, metric.name)
    return context.once(key, lambda: ceilings.first_stage_values(task, metric))


def _means(values: Iterator[_Values]) -> dict[str, float]:
    """The mean of each collection: over several, all collections count alike."""
    return {str(at): fmean(each.values()) for at, each in enumerate(values)}


def notes(text: str) -> Callable[[Sequence[Column], Context], Iterator[str]]:
    """Notes of a kind that needs a task: what the column shows, and once what is missing."""

    def lines(columns: Sequence[Column], context: Context) -> Iterator[str]:
        yield explained(columns, context, text)
        key = "ceilings: missing tasks"
        without = {
            one.cell.collection.name
            for one in context.selection.records()
            if context.archive.task(one) is None
        }
        if without and key not in context.found:
            context.found[key] = True
            names = ", ".join(sorted(without))
            yield f"Caution: blank for {names}: no task lies beside the records; run them again."

    return lines


def explained(columns: Sequence[Column], context: Context, text: str) -> str:
    """A note that begins with the column's head."""
    head = columns[0].head.format_map(columns[0].head_fields(context))
    return f"{head}: {text}"


ceiling_notes = notes("the same candidates in their best order, by grade.")
headroom_notes = notes("how much of the way from the first stage's order to the ceiling was gone.")
worse_notes = notes("queries with a lower value than in the first stage's own order.")
