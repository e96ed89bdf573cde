"""Columns of speed and cost, each row's from records of one machine and device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field

from rerankbench.errors import some
from rerankbench.leaderboard.columns.base import Column, Context, Decimals
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry
from rerankbench.results import derived
from rerankbench.results.figures import DOCS_PER_S, USD_PER_1000_QUERIES
from rerankbench.stats import order
from rerankbench.types import Record


class TimedColumn(Column):
    """A column of timings: figures compare only within one machine and device."""

    def facts(self, context: Context) -> Iterator[str]:
        pooled = max(map(len, context.timed.values()), default=0)
        if pooled > 1:
            yield f"Speed is the median over the collections timed, {pooled} of them."


class RateColumn(TimedColumn):
    """Documents a second, offline scenario."""

    usual_header = DOCS_PER_S.head
    better = DOCS_PER_S.better

    kind: Literal["docs_per_s"]
    decimals: Decimals | None = None
    range: bool = False

    def explained(self, context: Context) -> str:
        return "documents scored in a second"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The median over the collections timed."""
        records = context.timed[row.name]
        rate = _median(map(DOCS_PER_S.number, records))
        # A median over several collections has no range of passes.
        alone = self.range and len(records) == 1
        span = derived.docs_per_s_range(records[0]) if alone else None
        if self.decimals is None:
            return Entry(value=rate, form=DOCS_PER_S.form, span=span)
        return Entry(value=rate, form="fixed", decimals=self.decimals, span=span)


class LatencyColumn(TimedColumn):
    """A percentile of the requests' latency, in milliseconds."""

    usual_header = "P{percentile} ms"
    better = "lower"

    kind: Literal["latency"]
    percentile: Annotated[int, Field(ge=1, le=100)] = 50
    decimals: Decimals | None = None
    interval: bool = False

    def head_fields(self, context: Context) -> dict[str, object]:
        return super().head_fields(context) | {"percentile": self.percentile}

    def explained(self, context: Context) -> str:
        return f"single requests, of which {self.percentile} % took no longer"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The median over the collections timed."""
        records = context.timed[row.name]
        time_ms = _median([derived.latency_ms(record, self.percentile) for record in records])
        alone = self.interval and len(records) == 1
        return Entry(
            value=time_ms,
            form="latency" if self.decimals is None else "fixed",
            decimals=self.decimals or 0,
            span=derived.latency_interval_ms(records[0], self.percentile) if alone else None,
        )


class SecondsColumn(TimedColumn):
    """Seconds to rerank one query's candidates, single stream, as a mean over the requests."""

    usual_header = "Latency"
    better = "lower"

    kind: Literal["seconds_per_query"]
    decimals: Decimals = 2

    def explained(self, context: Context) -> str:
        return "seconds for one query with its documents, on average"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The median over the collections timed."""
        means = [derived.seconds_per_query(record) for record in context.timed[row.name]]
        return Entry(value=_median(means), form="seconds", decimals=self.decimals)


class CostColumn(Column):
    """US dollars for reranking a thousand queries, by the price in the config."""

    usual_header = USD_PER_1000_QUERIES.head
    better = USD_PER_1000_QUERIES.better

    kind: Literal["usd_per_1000_queries"]
    decimals: Decimals | None = None

    def explained(self, context: Context) -> str:
        return "US dollars for 1,000 queries"

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """The median over the collections timed."""
        figure = USD_PER_1000_QUERIES
        dollars = map(figure.number, context.timed[row.name])
        decimals = figure.decimals if self.decimals is None else self.decimals
        return Entry(value=_median(dollars), form=figure.form, decimals=decimals)

    def facts(self, context: Context) -> Iterator[str]:
        """The prices behind the costs, each with its date and rows."""
        rows: dict[str, dict[str, None]] = {}
        for record in context.selection.records():
            price = record.cell.reranker.price
            if price is not None:
                rows.setdefault(price.text, {})[record.cell.reranker.name] = None
        if rows:
            prices = "; ".join(
                f"{some(list(names))} {text}" for text, names in sorted(rows.items())
            )
            yield f"Prices: {prices}."


def timed(lines: Sequence[RowRecords]) -> dict[str, list[Record]]:
    """The records behind each row's speed: one machine and device a row, if possible the same."""
    measured = {
        line.name: [record for record in line.records.values() if derived.is_timed(record)]
        for line in lines
    }
    usual = _most_common([record for records in measured.values() for record in records])
    shown = {}
    for name, records in measured.items():
        settings = {derived.setting(record) for record in records}
        chosen = usual if usual in settings else _most_common(records)
        shown[name] = [record for record in records if derived.setting(record) == chosen]
    return shown


def _most_common(records: Sequence[Record]) -> tuple[str, str] | None:
    counts = Counter(map(derived.setting, records))
    return max(counts, key=lambda setting: (counts[setting], setting), default=None)


def _median(values: Iterable[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return order.median(measured) if measured else None
