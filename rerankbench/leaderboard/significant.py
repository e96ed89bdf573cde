"""`--significance`: any layout, with marks of the differences that are significant."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.base import Column
from rerankbench.leaderboard.columns.quality import DeltaColumn, MetricColumn
from rerankbench.leaderboard.columns.significance import (
    EffectColumn,
    RankColumn,
    SignificanceColumn,
)
from rerankbench.leaderboard.layout import Layout


def with_significance(layout: Layout) -> Layout:
    """The same layout with tier letters behind every value of a metric.

    Where a table shows one collection, its first metric also gets an interval, ranks, the
    difference to the first stage with an interval, p and effect size. Raises UsageError for a
    layout without metrics.
    """
    columns = [column for table in layout.tables for column in table.columns]
    headline = next((column for column in columns if isinstance(column, MetricColumn)), None)
    if headline is None:
        raise UsageError(
            f"the layout '{layout.name}' has no column of a metric, so --significance has nothing "
            "to mark; choose another layout"
        )
    if not layout.per_collection:
        headline = None
    tables = tuple(
        table.model_copy(update={"columns": tuple(_columns(table.columns, headline))})
        for table in layout.tables
    )
    return layout.model_copy(update={"tables": tables})


def _columns(columns: Sequence[Column], headline: MetricColumn | None) -> Iterator[Column]:
    here = headline if any(column is headline for column in columns) else None
    delta = next((candidate for candidate in columns if here and _is_delta(candidate, here)), None)
    for column in columns:
        if column is headline:
            yield from _tested(headline, delta)
        elif isinstance(column, MetricColumn):
            yield column.model_copy(update={"tiers": True})
        elif column is not delta:
            yield column


def _is_delta(column: Column, headline: MetricColumn) -> bool:
    return isinstance(column, DeltaColumn) and column.metric == headline.metric


def _tested(headline: MetricColumn, delta: Column | None) -> Iterator[Column]:
    metric, align = headline.metric, headline.align
    yield headline.model_copy(update={"tiers": True, "interval": True})
    yield RankColumn(kind="rank", metric=metric, align=align)
    if delta is None:
        delta = DeltaColumn(
            kind="delta", header="Δ", metric=metric, align=align, decimals=headline.decimals
        )
    yield delta.model_copy(update={"interval": True})
    yield SignificanceColumn(kind="significance", metric=metric, align=align)
    yield EffectColumn(kind="effect", metric=metric, align=align)
