"""Records → tables, by a layout. Pure: the same records in any order give the same tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.averages import AverageColumn, incomplete
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.facts import ModelColumn
from rerankbench.leaderboard.columns.heads import expand, header
from rerankbench.leaderboard.columns.quality import (
    MeasuredColumn,
    MetricColumn,
)
from rerankbench.leaderboard.columns.ratings import RatingColumn
from rerankbench.leaderboard.columns.speed import timed
from rerankbench.leaderboard.find import find
from rerankbench.leaderboard.highlights import stand_out
from rerankbench.leaderboard.judge import stored_judge
from rerankbench.leaderboard.layout import Layout, TableForm
from rerankbench.leaderboard.notes import notes
from rerankbench.leaderboard.rows import RowRecords, Selection
from rerankbench.leaderboard.select import kept, select
from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.results import derived
from rerankbench.results.candidate_words import shortfall
from rerankbench.results.grouping import distinct_titles
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record, TaskKey

if TYPE_CHECKING:
    from rerankbench.compare.judged import StoredJudge

_DECIDING: Mapping[str, Sequence[type[Column]]] = {
    "metric": (AverageColumn, MetricColumn),
    "rating": (RatingColumn,),
    "name": (),
}
"""Order of rows → the kinds of columns that can decide it; the first one in the table does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filled:
    """One table's columns with their heads, and its entries by the name of the row."""

    form: TableForm
    columns: tuple[Column, ...]
    heads: tuple[Header, ...]
    rows: Mapping[str, tuple[Entry, ...]]
    incomplete: Mapping[Any, Sequence[str]]


def build(archive: RecordSet, layout: Layout) -> list[Table]:
    """The tables of a leaderboard.

    Raises UsageError where no record fits the layout, and where its judge answered nothing.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    records = kept(archive.records, layout)
    judge = stored_judge(archive, records, layout)
    for record in records:
        groups.setdefault(_group(record, layout, archive), []).append(record)
    if layout.per_candidates:
        groups = _one_task_a_collection(groups)
    selections = [(group, select(group, layout)) for group in groups.values()]
    shown = [(group, selection) for group, selection in selections if selection.lines]
    if not shown:
        raise UsageError(
            f"the layout '{layout.name}' lists none of the rerankers in the records; "
            "give 'other' a title to show them all"
        )
    tables = [_tables(group, selection, archive, layout, judge) for group, selection in shown]
    _tell_apart(tables, [group[0] for group, _ in shown])
    return [table for group_tables in tables for table in group_tables]


def _one_task_a_collection(
    groups: Mapping[tuple[str, ...], Sequence[Record]],
) -> dict[tuple[str, ...], list[Record]]:
    """The groups, split where two tasks of a collection would share a column."""
    split: dict[tuple[str, ...], list[Record]] = {}
    for facts, records in groups.items():
        tasks: dict[str, dict[TaskKey, None]] = {}
        for record in records:
            tasks.setdefault(derived.collection_slug(record), {})[record.task] = None
        for record in records:
            place = sorted(tasks[derived.collection_slug(record)]).index(record.task)
            split.setdefault((*facts, str(place)), []).append(record)
    return split


def _group(record: Record, layout: Layout, archive: RecordSet) -> tuple[str, ...]:
    """The facts that a table's records share: the task's, less those that columns or rows show."""
    if layout.per_candidates:
        facts = record.task.facts
        own = (facts["depth"], facts["queries"], facts["missed positives"])
        return archive.first_stage(record), *own
    if not layout.per_collection:
        return ()
    apart: set[str] = set()
    if layout.tells_first_stages_apart:
        apart |= {"first stage", "first-stage parameters"}
    if layout.tells_positives_apart:
        apart.add("missed positives")
    return tuple(value for fact, value in record.task.facts.items() if fact not in apart)


def _tell_apart(groups: list[list[Table]], firsts: Sequence[Record]) -> None:
    """Where two groups have the same title, add to it the facts in which they differ."""
    titles = [tables[0].title for tables in groups]
    distinct = distinct_titles(titles, firsts)
    for tables, title in zip(groups, distinct, strict=True):
        tables[0] = replace(tables[0], title=title)


def _tables(
    records: Sequence[Record],
    selection: Selection,
    archive: RecordSet,
    layout: Layout,
    judge: StoredJudge | None,
) -> list[Table]:
    """The layout's tables for these records; only the last carries the notes."""
    context = Context(
        archive=archive,
        metric=(
            derived.headline(records)
            if layout.metric is None
            else derived.name_for(records, layout.metric)
        ),
        decimals=layout.decimals,
        columns=(),
        selection=selection,
        timed=timed(selection.lines),
        judge=judge,
    )
    columns = [expand(layout.columns_of(form), selection) for form in layout.tables]
    findings = find([column for of_table in columns for column in of_table], context)
    context = replace(context, findings=findings)
    filled = [
        _filled(
            form,
            layout,
            replace(
                context,
                columns=of_table,
                incomplete=incomplete(of_table, selection.lines, context.metric),
            ),
        )
        for form, of_table in zip(layout.tables, columns, strict=True)
    ]
    filled = [table for table in filled if _has_enough(table)] or filled
    lines = _ordered(_shown(selection.lines, filled, layout), filled, layout)
    tables = [
        replace(
            _table(table, lines, layout),
            title=_title(table.form, records, context),
            # An untitled table after the first shows more columns of the same rows.
            continues=at > 0 and not table.form.title,
        )
        for at, table in enumerate(filled)
    ]
    shown = replace(
        context,
        columns=[column for table in filled for column in table.columns],
        incomplete={column: rows for table in filled for column, rows in table.incomplete.items()},
    )
    tables[-1] = replace(tables[-1], notes=notes(layout, shown))
    return tables


def _shown(
    lines: Sequence[RowRecords], filled: Sequence[_Filled], layout: Layout
) -> Sequence[RowRecords]:
    """Without the rows that show nothing but names, if the layout drops those."""
    if not layout.drop_empty_rows:
        return lines
    filled_lines = [
        line for line in lines if any(_says_something(table, line) for table in filled)
    ]
    return filled_lines or lines


def _has_enough(table: _Filled) -> bool:
    shown = {column.parts for column in table.columns if isinstance(column, MeasuredColumn)}
    return len(shown) >= (table.form.fewest_collections or 0)


def _says_something(table: _Filled, line: RowRecords) -> bool:
    return any(
        entry.value is not None
        for column, entry in zip(table.columns, table.rows[line.name], strict=True)
        if not isinstance(column, ModelColumn) and not column.spans
    )


def _filled(form: TableForm, layout: Layout, context: Context) -> _Filled:
    """The columns that have something to show, with their entries in every row."""
    columns = context.columns
    rows = {
        row.name: tuple(column.fill(row, context) for column in columns)
        for row in context.selection.lines
    }
    keep = [
        at
        for at, column in enumerate(columns)
        if not layout.drop_empty
        or isinstance(column, ModelColumn)
        or any(entries[at].value is not None for entries in rows.values())
    ]
    remaining = replace(context, columns=tuple(columns[at] for at in keep))
    return _Filled(
        form=form,
        columns=tuple(remaining.columns),
        heads=tuple(header(column, remaining, form.align) for column in remaining.columns),
        rows={name: tuple(entries[at] for at in keep) for name, entries in rows.items()},
        incomplete=context.incomplete,
    )


def _table(filled: _Filled, lines: Sequence[RowRecords], layout: Layout) -> Table:
    form = filled.form
    rows = [
        Row(
            entries=filled.rows[line.name],
            group=line.group,
            block=line.block,
            emphasised=derived.is_baseline(line.newest),
        )
        for line in lines
    ]
    scopes = [column.best for column in filled.columns]
    own = [line.own for line in lines]
    return Table(
        title=form.title,
        columns=filled.heads,
        rows=stand_out(rows, filled.heads, scopes, own=own),
        preamble=form.preamble,
        heading_level=form.heading_level,
        blank_lines=form.blank_lines,
        group_cells=layout.group_cells,
    )


def _title(form: TableForm, records: Sequence[Record], context: Context) -> str:
    """The title with the facts of the records; empty where the layout has none."""
    record = records[0]
    collection = record.cell.collection
    sample = collection.sampled_queries
    metric = context.metric or "metric"
    return form.title.format(
        collection=collection.name,
        split=collection.split,
        first_stage=context.archive.first_stage(record),
        depth=f"{record.cell.depth}{shortfall(records)}",
        metric=metric,
        decided_by=f"the judge {context.judge.name}" if context.judge else metric,
        collections=context.collection or "all collections alike",
        sample="" if sample is None else f", {sample} sampled queries",
    )


def _ordered(
    lines: Sequence[RowRecords], filled: Sequence[_Filled], layout: Layout
) -> list[RowRecords]:
    """Rows in the layout's order: by figure falling (missing ones last), by name, or as listed.

    First stages and families stay together in any case. Rows with equal figures stand in the order
    of their names.
    """
    if layout.order == "listed":
        return list(lines)
    values = _deciding(filled, _DECIDING[layout.order])

    def place(line: RowRecords) -> tuple[tuple[int, int, str], int, bool, float, str]:
        value = values.get(line.name)
        stage, (family, _, _) = line.place
        return stage, family, value is None, -(value or 0.0), line.label

    return sorted(lines, key=place)


def _has_shared_mean(table: _Filled) -> bool:
    """Whether rows stand by a mean, which they have no collection in common for."""
    metrics = [column for column in table.columns if isinstance(column, MetricColumn)]
    means = (column for column in table.form.columns if isinstance(column, AverageColumn))
    return len(metrics) > 1 and any(column.shared for column in means)


def _deciding(filled: Sequence[_Filled], kinds: Sequence[type[Column]]) -> dict[str, float]:
    """The figures that order the rows: those of the first column of these kinds."""
    for kind in kinds:
        if kind is MetricColumn and any(map(_has_shared_mean, filled)):
            # Of several collections none may decide; names then do.
            return {}
        for table in filled:
            at = next(
                (i for i, column in enumerate(table.columns) if isinstance(column, kind)), None
            )
            if at is not None:
                values = {name: entries[at].value for name, entries in table.rows.items()}
                return {
                    name: value for name, value in values.items() if isinstance(value, int | float)
                }
    return {}
