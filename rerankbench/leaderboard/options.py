"""What options of `rerankbench leaderboard` change in a layout."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from rerankbench.errors import UsageError, nearest
from rerankbench.leaderboard.columns.averages import AverageColumn
from rerankbench.leaderboard.columns.base import Column
from rerankbench.leaderboard.columns.facts import ModelColumn
from rerankbench.leaderboard.columns.kinds import COLUMN_KINDS
from rerankbench.leaderboard.columns.quality import DeltaColumn, MetricColumn
from rerankbench.leaderboard.layout import NOTES, Layout, TableForm
from rerankbench.registry import naming
from rerankbench.results import derived, row_names
from rerankbench.types import Record

_PERCENTILE = re.compile(r"p(\d{1,2})", flags=re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutChanges:
    """What was asked for beside a layout: nothing, where a field is empty."""

    metrics: Sequence[str] = ()
    average: bool = False
    columns: Sequence[str] = ()
    baseline: str | None = None
    notes: str | None = None


def changed(layout: Layout, changes: LayoutChanges, records: Sequence[Record]) -> Layout:
    """The layout with all of the changes, for these records. Raises UsageError."""
    if changes.baseline is not None:
        layout = with_baseline(layout, changes.baseline, records)
    if changes.columns:
        layout = with_columns(layout, changes.columns)
    if changes.average:
        layout = with_average(layout)
    if changes.notes is not None:
        layout = with_notes(layout, changes.notes)
    return with_metrics(layout, changes.metrics, records)


def with_notes(layout: Layout, notes: str) -> Layout:
    """So many lines below the tables. Raises UsageError for an unknown kind."""
    if notes not in NOTES:
        raise UsageError(f"--notes {notes}: {nearest(notes, NOTES)}")
    return layout.model_copy(update={"notes": notes})


def with_metrics(layout: Layout, metrics: Sequence[str], records: Sequence[Record]) -> Layout:
    """The first metric as the headline, a column for each other one, or a table for each.

    Tables of one collection get columns, tables with a column for each collection are repeated.
    Raises UsageError for a metric that no record holds.
    """
    for metric in metrics:
        derived.choose_metric(records, metric)  # Raises where no record holds it.
    names = list(dict.fromkeys(map(naming.metric_as_held, metrics)))
    if not names:
        return layout
    if not any(_is_headline(column) for table in layout.tables for column in table.columns):
        raise UsageError(
            f"the layout '{layout.name}' names its metrics itself; leave out --metric, or choose "
            "another layout"
        )
    tables = tuple(table for form in layout.tables for table in _of_metrics(form, layout, names))
    return layout.model_copy(update={"metric": names[0], "tables": tables})


def _of_metrics(form: TableForm, layout: Layout, names: Sequence[str]) -> Iterator[TableForm]:
    if layout.per_collection:
        yield form.model_copy(update={"columns": tuple(_beside(form.columns, names[1:]))})
        return
    yield form
    if not any(map(_is_headline, form.columns)):
        return
    for name in names[1:]:
        columns = tuple(
            column.model_copy(update={"metric": name}) if _is_headline(column) else column
            for column in form.columns
            if isinstance(column, ModelColumn | AverageColumn | MetricColumn | DeltaColumn)
        )
        title = form.title.replace("{metric}", name.replace("{", "").replace("}", ""))
        yield form.model_copy(update={"columns": columns, "title": title})


def _beside(columns: Sequence[Column], names: Sequence[str]) -> Iterator[Column]:
    """The columns, with those of the other metrics after the headline and its difference."""
    headline = [at for at, column in enumerate(columns) if _is_headline(column)]
    last = headline[-1] if headline else -1
    for at, column in enumerate(columns):
        yield column
        if at == last:
            for name in names:
                yield MetricColumn(kind="metric", metric=name, align=column.align)


def _is_headline(column: Column) -> bool:
    return isinstance(column, MetricColumn | DeltaColumn) and column.metric is None


def with_average(layout: Layout) -> Layout:
    """The mean of all collections of a table. Raises UsageError for tables of one collection."""
    if layout.per_collection:
        raise UsageError(
            f"--average needs several collections in a table, and '{layout.name}' has one; add "
            "--layout wide"
        )
    tables = tuple(table.model_copy(update={"average": True}) for table in layout.tables)
    return layout.model_copy(update={"tables": tables})


def with_columns(layout: Layout, names: Sequence[str]) -> Layout:
    """The model's column and these kinds of columns; `p90` is a latency.

    A kind that the layout has keeps its form. Raises UsageError for an unknown kind.
    """
    tables = []
    for form in layout.tables:
        model = next(
            (column for column in form.columns if isinstance(column, ModelColumn)),
            ModelColumn(kind="model", align="left"),
        )
        chosen = [column for name in names for column in _columns(name, form)]
        others = [column for column in chosen if not isinstance(column, ModelColumn)]
        tables.append({**dict(form), "columns": (model, *others)})
    try:
        return Layout.model_validate({**dict(layout), "tables": tuple(tables)})
    except ValidationError as error:
        told = str(error.errors()[0]["msg"]).removeprefix("Value error, ").splitlines()[0]
        raise UsageError(f"--columns {','.join(names)}: {told}") from None


def _columns(name: str, form: TableForm) -> Sequence[Column]:
    percentile = _PERCENTILE.fullmatch(name)
    kind = "latency" if percentile else name
    if kind not in COLUMN_KINDS:
        known = [*COLUMN_KINDS, "p50", "p90", "p99"]
        raise UsageError(f"--columns: no column '{name}'; {nearest(name, known)}")
    own = [column for column in form.columns if column.kind == kind]
    if percentile:
        wanted = int(percentile[1])
        same = [column for column in own if getattr(column, "percentile", None) == wanted]
        return same or [_new(kind, name, percentile=wanted)]
    return own or [_new(kind, name)]


def _new(kind: str, name: str, **keys: int) -> Column:
    try:
        return COLUMN_KINDS[kind].model_validate({"kind": kind, **keys})
    except ValidationError:
        raise UsageError(
            f"--columns: '{name}' needs keys of its own; name it in a layout (docs/layouts.md)"
        ) from None


def with_baseline(layout: Layout, name: str, records: Sequence[Record]) -> Layout:
    """Differences and their p from that row. Raises UsageError for a row that is not there."""
    row_names.check([name], records)
    return layout.model_copy(update={"baseline": name})
