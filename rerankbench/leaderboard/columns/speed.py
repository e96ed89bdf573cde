"""Columns of speed and cost, each row's from records of one machine and device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from rerankbench.leaderboard.columns.base import Column, Context, Decimals
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived
from rerankbench.stats import order
from rerankbench.types import Record


class TimedColumn(Column):
    """A column of what was timed: figures compare on one machine and device only."""


class RateColumn(TimedColumn):
    """Documents a second, offline scenario."""

    usual_header = "Docs / Sec"
    better = "higher"

    kind: Literal["docs_per_s"]
    decimals: Decimals | None = None
    range: bool = False


class LatencyColumn(TimedColumn):
    """A percentile of the requests' latency, in milliseconds."""

    usual_header = "P{percentile} ms"
    better = "lower"

    kind: Literal["latency"]
    percentile: Annotated[int, Field(ge=1, le=100)] = 50
    decimals: Decimals | None = None
    interval: bool = False

    def head_fields(self, context: Context) -> dict[str, object]:
        """With the percentile."""
        return super().head_fields(context) | {"percentile": self.percentile}


class SecondsColumn(TimedColumn):
    """Seconds to rerank one query's candidates, single stream, as a mean over the requests."""

    usual_header = "Latency"
    better = "lower"

    kind: Literal["seconds_per_query"]
    decimals: Decimals = 2


class CostColumn(Column):
    """US dollars for reranking a thousand queries, by the price in the config."""

    usual_header = "$ / 1k queries"
    better = "lower"

    kind: Literal["usd_per_1000_queries"]
    decimals: Decimals | None = None


def docs_per_s(column: RateColumn, line: RowRecords, context: Context) -> Entry:
    """The median over the collections timed."""
    records = context.timed[line.name]
    rate = _median([derived.docs_per_s(record) for record in records])
    # A median over several collections has no range of passes.
    alone = column.range and len(records) == 1
    span = derived.docs_per_s_range(records[0]) if alone else None
    if column.decimals is None:
        return Entry(value=rate, form="rate", span=span)
    return Entry(value=rate, form="fixed", decimals=column.decimals, span=span)


def latency(column: LatencyColumn, line: RowRecords, context: Context) -> Entry:
    """The median over the collections timed."""
    records = context.timed[line.name]
    time_ms = _median([derived.latency_ms(record, column.percentile) for record in records])
    alone = column.interval and len(records) == 1
    return Entry(
        value=time_ms,
        form="fixed",
        decimals=1 if column.decimals is None else column.decimals,
        span=derived.latency_interval_ms(records[0], column.percentile) if alone else None,
    )


def seconds_per_query(column: SecondsColumn, line: RowRecords, context: Context) -> Entry:
    """The median over the collections timed."""
    means = [derived.seconds_per_query(record) for record in context.timed[line.name]]
    return Entry(value=_median(means), form="seconds", decimals=column.decimals)


def cost(column: CostColumn, line: RowRecords, context: Context) -> Entry:
    """The median over the collections timed."""
    dollars = [derived.usd_per_1000_queries(record) for record in context.timed[line.name]]
    decimals = 3 if column.decimals is None else column.decimals
    return Entry(value=_median(dollars), form="fixed", decimals=decimals)


def timed(lines: Sequence[RowRecords]) -> dict[str, list[Record]]:
    """The records whose speed each row shows: one machine and device a row, the same if possible.

    That is the setting in which most records were timed (of equals, the last in the alphabet);
    a row that has none of it shows the one that most of its own records share.
    """
    measured = {
        line.name: [record for record in line.records.values() if derived.is_timed(record)]
        for line in lines
    }
    usual = _most_common([record for records in measured.values() for record in records])
    found = {}
    for name, records in measured.items():
        settings = {derived.setting(record) for record in records}
        chosen = usual if usual in settings else _most_common(records)
        found[name] = [record for record in records if derived.setting(record) == chosen]
    return found


def _most_common(records: Sequence[Record]) -> tuple[str, str] | None:
    counts = Counter(map(derived.setting, records))
    return max(counts, key=lambda setting: (counts[setting], setting), default=None)


def _median(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return order.median(measured) if measured else None
