"""Columns that say how far a figure carries: unjudged documents, ties, truncated pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Annotated, Literal

from pydantic import Field

from rerankbench.compare import ceilings as honesty
from rerankbench.leaderboard.columns.base import Context
from rerankbench.leaderboard.columns.ceilings import explained, notes
from rerankbench.leaderboard.columns.quality import MeasuredColumn, shown
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived


class _TrustColumn(MeasuredColumn):
    # Not of any metric, or of the headline alone: a layout that names one is mistaken.
    metric: None = None


class JudgedColumn(_TrustColumn):
    """Share of the first k documents that are judged for that query, in per cent."""

    kind: Literal["judged"]
    k: Annotated[int, Field(ge=1)] = 10

    @property
    def head(self) -> str:
        """Without a header the name with its cutoff."""
        return f"Judged@{self.k} %" if self.header is None else self.header


class TiesColumn(_TrustColumn):
    """Share of neighbouring documents whose scores are equal, in per cent.

    With `span` the headline metric stands behind it, as ties fall worst and best.
    """

    usual_header = "Ties %"

    kind: Literal["ties"]
    span: bool = False


class TruncatedColumn(_TrustColumn):
    """Share of the scored pairs that were cut to the model's length, in per cent."""

    usual_header = "Truncated %"

    kind: Literal["truncated"]


def judged(column: JudgedColumn, line: RowRecords, context: Context) -> Entry:
    """The mean of the shares; blank where no task or no run of the record's own is there."""
    shares = []
    for record in shown(column, line):
        task, rankings = context.archive.task(record), context.archive.rankings(record)
        if task is None or rankings is None:
            return Entry()
        shares.append(honesty.judged_at(task, rankings, column.k).share)
    return _per_cent(column, shares)


def ties(column: TiesColumn, line: RowRecords, context: Context) -> Entry:
    """The rate, 0 where no scores tie; over several collections the mean of all three figures."""
    records = shown(column, line)
    entry = _per_cent(column, [0.0 if one.ties is None else one.ties.rate for one in records])
    tied = [one.ties for one in records if one.ties is not None]
    if not column.span or not tied or len(tied) < len(records):
        return entry
    worst, best = fmean(one.worst for one in tied), fmean(one.best for one in tied)
    digits = context.decimals
    return Entry(value=f"{entry.text} ({worst:.{digits}f}–{best:.{digits}f})")


def truncated(column: TruncatedColumn, line: RowRecords, context: Context) -> Entry:
    """The mean of the shares; blank for what reads no text."""
    records = shown(column, line)
    if any(map(derived.is_baseline, records)):
        return Entry()
    return _per_cent(column, [honesty.truncated_share(record) for record in records])


def _per_cent(column: MeasuredColumn, shares: Sequence[float | None]) -> Entry:
    """Their mean, unless there is none or one is missing."""
    known = [share for share in shares if share is not None]
    value = 100 * fmean(known) if known and len(known) == len(shares) else None
    return Entry(value=value, form="fixed", decimals=column.decimals or 0)


judged_notes = notes("of the first documents, those with a judgment for that very query.")


def ties_notes(columns: Sequence[TiesColumn], context: Context) -> Iterator[str]:
    """What ties, and what stands behind it."""
    span = any(column.span for column in columns)
    behind = ", and the metric as ties fall worst and best" if span else ""
    yield explained(columns, context, f"neighbouring documents with equal scores{behind}.")


def truncated_notes(columns: Sequence[TruncatedColumn], context: Context) -> Iterator[str]:
    """What was cut."""
    yield explained(columns, context, "pairs of query and document cut to the model's length.")
