"""One column of a layout × one row → the entry in that square; blank where a figure is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench import catalogue, figures, known_models
from rerankbench.leaderboard.layout import (
    AnyColumn,
    AverageColumn,
    CostColumn,
    DeltaColumn,
    FactColumn,
    LatencyColumn,
    MetricColumn,
    ModelColumn,
    ParametersColumn,
    RateColumn,
    TableForm,
)
from rerankbench.leaderboard.select import Line, Selection
from rerankbench.leaderboard.table import Entry
from rerankbench.stats import order
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What squares need to know beyond their own row.

    `timed` gives, for every row, the records whose speed it shows: all of one machine and device.
    """

    metric: str | None
    decimals: int
    first_stages: Mapping[tuple[str, ...], Record]
    timed: Mapping[str, Sequence[Record]]


def expand(form: TableForm, selection: Selection) -> list[AnyColumn]:
    """The table's columns, with one for each collection where the layout asks for every one."""
    columns: list[AnyColumn] = []
    for column in form.columns:
        if isinstance(column, MetricColumn) and column.every_collection:
            columns += _every_collection(column, selection)
        else:
            columns.append(column)
    if form.average:
        columns.append(AverageColumn(kind="average"))
    return columns


def _every_collection(column: MetricColumn, selection: Selection) -> list[AnyColumn]:
    """One column a collection, by name; the parts of a known one (CQADupStack) share one."""
    found = {
        figures.collection_slug(record): record.cell.collection.name
        for record in selection.records()
    }
    wholes = {
        figures.slug(member): whole for whole in catalogue.known() for member in whole.members
    }
    columns: dict[str, AnyColumn] = {}
    for slug in sorted(found):
        whole = wholes.get(slug)
        if whole is None:
            columns[slug] = column.model_copy(update={"collection": (found[slug],)})
        else:
            update = {"members": whole.members, "header": column.header or whole.name}
            columns.setdefault(whole.slug, column.model_copy(update=update))
    return list(columns.values())


def header(column: AnyColumn, columns: Sequence[AnyColumn], metric: str | None) -> str:
    """The column's head: the layout's words, or what is usual for its kind."""
    collection = ""
    if isinstance(column, MetricColumn | DeltaColumn):
        metric = column.metric or metric
        collection = ", ".join(column.members or column.collection[:1])
    text = _usual_header(column, collection) if column.header is None else column.header
    return text.format(
        metric=metric or "metric",
        collection=collection,
        count=sum(isinstance(other, MetricColumn) for other in columns),
        percentile=column.percentile if isinstance(column, LatencyColumn) else "",
    )


def _usual_header(column: AnyColumn, collection: str) -> str:
    if isinstance(column, MetricColumn):
        return "{collection}" if collection else "{metric}"
    if isinstance(column, DeltaColumn):
        return "Δ {collection}" if collection else "Δ first stage"
    if isinstance(column, FactColumn):
        return column.fact.replace("_", " ").capitalize()
    usual = {
        "model": "Reranker",
        "average": "Average of {count}",
        "docs_per_s": "Docs / Sec",
        "latency": "P{percentile} ms",
        "usd_per_1000_queries": "$ / 1k queries",
        "parameters": "Parameters",
        "queries": "Queries",
    }
    return usual[column.kind]


def fill(columns: Sequence[AnyColumn], line: Line, context: Context) -> tuple[Entry, ...]:
    """All squares of one row of one table."""
    entries = [_entry(column, line, context) for column in columns]
    metrics = [
        entry.value
        for column, entry in zip(columns, entries, strict=True)
        if isinstance(column, MetricColumn)
    ]
    numbers = [value for value in metrics if isinstance(value, int | float)]
    # An average over the collections that happen to be there compares with nothing.
    average = fmean(numbers) if numbers and len(numbers) == len(metrics) else None
    return tuple(
        Entry(value=average, form="fixed", decimals=_decimals(column, context))
        if isinstance(column, AverageColumn)
        else entry
        for column, entry in zip(columns, entries, strict=True)
    )


def _entry(column: AnyColumn, line: Line, context: Context) -> Entry:
    if isinstance(column, ModelColumn):
        return Entry(value=line.label)
    if isinstance(column, MetricColumn):
        value = _mean(column, line, context)
        return Entry(value=value, form="fixed", decimals=_decimals(column, context))
    if isinstance(column, DeltaColumn):
        value = _delta(column, line, context)
        return Entry(value=value, form="signed", decimals=_decimals(column, context))
    if isinstance(column, AverageColumn):
        return Entry()
    if isinstance(column, RateColumn):
        return _rate(column, context.timed[line.name])
    if isinstance(column, LatencyColumn):
        return _latency(column, context.timed[line.name])
    if isinstance(column, CostColumn):
        return _cost(column, context.timed[line.name])
    if isinstance(column, FactColumn):
        return _fact(column, line.newest)
    if isinstance(column, ParametersColumn):
        return Entry(value=line.newest.cell.reranker.parameters, form="magnitude")
    queries = sum(figures.query_count(record) for record in line.records.values())
    return Entry(value=queries, form="fixed")


def _rate(column: RateColumn, records: Sequence[Record]) -> Entry:
    rate = _median([figures.docs_per_s(record) for record in records])
    # A median over several collections has no range of passes.
    alone = column.range and len(records) == 1
    span = figures.docs_per_s_range(records[0]) if alone else None
    if column.decimals is None:
        return Entry(value=rate, form="rate", span=span)
    return Entry(value=rate, form="fixed", decimals=column.decimals, span=span)


def _latency(column: LatencyColumn, records: Sequence[Record]) -> Entry:
    time_ms = _median([figures.latency_ms(record, column.percentile) for record in records])
    alone = column.interval and len(records) == 1
    return Entry(
        value=time_ms,
        form="fixed",
        decimals=1 if column.decimals is None else column.decimals,
        span=figures.latency_interval_ms(records[0], column.percentile) if alone else None,
    )


def _cost(column: CostColumn, records: Sequence[Record]) -> Entry:
    cost = _median([figures.usd_per_1000_queries(record) for record in records])
    return Entry(
        value=cost, form="fixed", decimals=3 if column.decimals is None else column.decimals
    )


def _fact(column: FactColumn, record: Record) -> Entry:
    known = known_models.find(record.cell.reranker.name)
    if known is None:
        return Entry()
    if column.fact == "max_length":
        return Entry(value=known.max_length, form="fixed")
    if column.fact == "price":
        return Entry(value=known.price.text if known.price else None)
    return Entry(value=getattr(known, column.fact))


def _decimals(column: MetricColumn | DeltaColumn | AverageColumn, context: Context) -> int:
    return context.decimals if column.decimals is None else column.decimals


def _shown(column: MetricColumn | DeltaColumn, line: Line) -> list[Record]:
    """The records that the square is made of; none where one of them is missing."""
    if not column.members and not column.collection:
        return list(line.records.values())
    parts: list[tuple[str, ...]] = [(name,) for name in column.members] or [column.collection]
    found = [line.first_of(names) for names in parts]
    present = [record for record in found if record is not None]
    return present if len(present) == len(found) else []


def _mean(column: MetricColumn | DeltaColumn, line: Line, context: Context) -> float | None:
    metric = column.metric or context.metric
    if metric is None:
        return None
    return _all_or_none([record.mean(metric) for record in _shown(column, line)])


def _delta(column: DeltaColumn, line: Line, context: Context) -> float | None:
    mean, metric = _mean(column, line, context), column.metric or context.metric
    records = _shown(column, line)
    if mean is None or metric is None or any(map(figures.is_first_stage, records)):
        return None
    bases = [context.first_stages.get(figures.task_key(record)) for record in records]
    base = _all_or_none([None if one is None else one.mean(metric) for one in bases])
    return None if base is None else mean - base


def _all_or_none(values: Sequence[float | None]) -> float | None:
    """Their mean, unless there is none or one is missing."""
    present = [value for value in values if value is not None]
    return fmean(present) if present and len(present) == len(values) else None


def _median(values: Sequence[float | None]) -> float | None:
    measured = [value for value in values if value is not None]
    return order.median(measured) if measured else None


def timed(lines: Sequence[Line]) -> dict[str, list[Record]]:
    """The records whose speed each row shows: one machine and device a row, the same if possible.

    That is the setting in which most records were timed (of equals, the last in the alphabet);
    a row that has none of it shows the one that most of its own records share.
    """
    measured = {
        line.name: [record for record in line.records.values() if figures.is_timed(record)]
        for line in lines
    }
    usual = _most_common([record for records in measured.values() for record in records])
    found = {}
    for name, records in measured.items():
        settings = {figures.setting(record) for record in records}
        chosen = usual if usual in settings else _most_common(records)
        found[name] = [record for record in records if figures.setting(record) == chosen]
    return found


def _most_common(records: Sequence[Record]) -> tuple[str, str] | None:
    counts = Counter(map(figures.setting, records))
    return max(counts, key=lambda setting: (counts[setting], setting), default=None)
