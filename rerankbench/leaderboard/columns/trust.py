"""Columns that say how far to trust a figure: unjudged documents, ties, truncated pairs."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Annotated, Literal

from pydantic import Field

from rerankbench.compare import ceilings as honesty
from rerankbench.leaderboard.columns.base import Context
from rerankbench.leaderboard.columns.ceilings import ExplainedColumn, TaskColumn
from rerankbench.leaderboard.columns.quality import MeasuredColumn, shown
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived


class JudgedColumn(TaskColumn):
    """Share of the first k documents that are judged for that query, in per cent."""

    meaning = "of the first documents, those with a judgment for that very query."

    kind: Literal["judged"]
    # Independent of any metric, so a layout that names one is mistaken.
    metric: None = None
    k: Annotated[int, Field(ge=1)] = 10

    @property
    def head(self) -> str:
        """The given header, or the name with its cutoff."""
        return f"Judged@{self.k} %" if self.header is None else self.header

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The mean of the shares; blank where a record's task or run file is missing."""
        shares = []
        for record in shown(self, row):
            task, rankings = context.archive.task(record), context.archive.rankings(record)
            if task is None or rankings is None:
                return Entry()
            shares.append(honesty.judged_at(task, rankings, self.k).share)
        return _per_cent(self, shares)


class TiesColumn(ExplainedColumn):
    """Share of neighbouring documents whose scores are equal, in per cent.

    With `span` the headline metric follows, for the worst and the best order of ties.
    """

    usual_header = "Ties %"

    kind: Literal["ties"]
    # Independent of any metric, so a layout that names one is mistaken.
    metric: None = None
    span: bool = False

    def explained(self, context: Context) -> str:
        span = any(column.span for column in context.of(TiesColumn))
        behind = ", and the metric for the worst and the best order of ties" if span else ""
        return f"neighbouring documents with equal scores{behind}."

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The rate, 0 where no scores tie; over several collections the mean of each figure."""
        records = shown(self, row)
        entry = _per_cent(
            self, [0.0 if record.ties is None else record.ties.rate for record in records]
        )
        tied = [record.ties for record in records if record.ties is not None]
        if not self.span or not tied or len(tied) < len(records):
            return entry
        worst, best = fmean(ties.worst for ties in tied), fmean(ties.best for ties in tied)
        digits = context.decimals
        return Entry(value=f"{entry.text} ({worst:.{digits}f}–{best:.{digits}f})")


class TruncatedColumn(ExplainedColumn):
    """Share of the scored pairs that were cut to the model's length, in per cent."""

    usual_header = "Truncated %"
    meaning = "pairs of query and document cut to the model's length."

    kind: Literal["truncated"]
    # Independent of any metric, so a layout that names one is mistaken.
    metric: None = None

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The mean of the shares; blank for rows that read no text."""
        records = shown(self, row)
        if any(map(derived.is_baseline, records)):
            return Entry()
        return _per_cent(self, [honesty.truncated_share(record) for record in records])


def _per_cent(column: MeasuredColumn, shares: Sequence[float | None]) -> Entry:
    """Their mean, unless there is none or one is missing."""
    known = [share for share in shares if share is not None]
    value = 100 * fmean(known) if known and len(known) == len(shares) else None
    return Entry(value=value, form="fixed", decimals=column.decimals or 0)
