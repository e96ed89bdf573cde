"""The column of a mean over collections, and which of them every model has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rerankbench.errors import some
from rerankbench.leaderboard.columns.base import Column, Context, Decimals, Names
from rerankbench.leaderboard.columns.quality import (
    MetricColumn,
    Scale,
    all_or_none,
    mean_of_shown,
    scaled,
    shown,
)
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived


class AverageColumn(Column):
    """The mean over the table's metric columns, or over those whose heads it names.

    Blank unless all of them are filled. With `shared` it is over those that every model and the
    first stage have: rows then compare, and it says which ones lack a collection.
    """

    usual_header = "Average of {count}"
    better = "higher"

    kind: Literal["average"]
    over: Names = ()
    shared: bool = False
    decimals: Decimals | None = None
    scale: Scale = 1

    def head_fields(self, context: Context) -> dict[str, object]:
        return super().head_fields(context) | {"count": len(self.averaged(context))}

    def averaged(self, context: Context) -> list[MetricColumn]:
        """The columns that the mean is over."""
        metrics = context.of(MetricColumn)
        named = [column for column in metrics if not self.over or column.heads & set(self.over)]
        if not self.shared:
            return named
        return [column for column in named if column not in context.incomplete]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The mean of the row's metric columns, in full precision."""
        if self.shared and len(context.of(MetricColumn)) < 2:
            return Entry()
        # A mean over only those collections that happen to be there compares with nothing.
        means = [mean_of_shown(column, row, context) for column in self.averaged(context)]
        return scaled(self, context, all_or_none(means))

    def notes(self, context: Context) -> Iterator[str]:
        if not self.shared or not context.incomplete:
            return
        columns = self.averaged(context)
        over = some([column.shown_collection for column in columns])
        lacking: dict[str, list[str]] = {}
        for column, rows in context.incomplete.items():
            for row in rows:
                lacking.setdefault(row, []).append(column.shown_collection)
        missing = "; ".join(f"{row}: {some(names)}" for row, names in lacking.items())
        if columns:
            yield f"The mean is over {over}, which all models have. Missing: {missing}."
        else:
            yield f"No mean: all models share no collection. Missing: {missing}."


def incomplete(
    columns: Iterable[Column], rows: Sequence[RowRecords], metric: str | None
) -> dict[MetricColumn, list[str]]:
    """The metric columns in which a model, or the first stage, has no figure → who has none."""
    needed = [
        row
        for row in rows
        if not derived.is_baseline(row.newest) or derived.is_first_stage(row.newest)
    ]
    missing = {
        column: [
            row.name for row in needed if not _has_figure(column, row, column.metric or metric)
        ]
        for column in columns
        if isinstance(column, MetricColumn)
    }
    return {column: names for column, names in missing.items() if names}


def _has_figure(column: MetricColumn, row: RowRecords, metric: str | None) -> bool:
    records = shown(column, row)
    return (
        metric is not None
        and bool(records)
        and all(derived.values_of(record, metric) for record in records)
    )
