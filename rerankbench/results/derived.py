"""Figures derived from one record; None means not measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import fmean

from rerankbench.errors import UsageError, nearest
from rerankbench.known import metric_name
from rerankbench.registry import naming
from rerankbench.stats import order
from rerankbench.types import Record, slug

_RUN_SUFFIXES = re.compile(r"(\.(gz|run|trec|tsv|txt))+$", flags=re.IGNORECASE)

REMOTE = "remote"
"""The device of records that a service computed."""


def collection_slug(record: Record) -> str:
    """The collection's name in the form that is used for matching."""
    return slug(record.cell.collection.name)


def first_stage(record: Record) -> str:
    """The name of the first stage, or of its run file without the collection's name.

    On SciFact `run:runs/unicoil-scifact.trec.gz` is `unicoil`.
    """
    # The slug's hyphens stand for any punctuation.
    collection = "[^a-z0-9]+".join(collection_slug(record).split("-"))
    pattern = rf"^{collection}[^a-z0-9]+|[^a-z0-9]+{collection}$"
    return re.sub(pattern, "", _run_name(record), flags=re.IGNORECASE)


def is_first_stage_called(record: Record, names: Sequence[str]) -> bool:
    """Whether one of the names, in any spelling, is that of the record's first stage."""
    own = (record.cell.first_stage.name, _run_name(record), first_stage(record))
    return not {slug(name) for name in own}.isdisjoint(map(slug, names))


def _run_name(record: Record) -> str:
    """The run file's name if the first stage is a run file, else the first stage's name."""
    stage = record.cell.first_stage
    return _RUN_SUFFIXES.sub("", str(stage.parameters.get("file", ""))) or stage.name


def headline(records: Sequence[Record]) -> str | None:
    """The first metric of the first record that all records have, or else its first metric.

    Each is at its collection's level of relevance; the name shows a level that all share.
    None where that record has none at all.
    """
    usual = records[0].cell.collection.relevance_level
    plain = [metric_name.without_level(name, usual) for name in records[0].per_query]
    metrics = [
        # A metric requested at another level than the usual one keeps its level in its name.
        short if metric_in(records[0], short) == name else metric_name.explicit(name)
        for short, name in zip(plain, records[0].per_query, strict=True)
    ]
    shared = (
        name
        for name in metrics
        if all(metric_in(record, name) in record.per_query for record in records)
    )
    metric = next(shared, metrics[0] if metrics else None)
    return None if metric is None else name_for(records, metric)


def choose_metric(
    records: Sequence[Record], requested: str | None, *, all_hold_it: bool = False
) -> str:
    """The requested metric under the name that records use; by default the headline.

    Raises UsageError if no record has it, or with `all_hold_it` if one of them does not.
    """
    counts = Counter(name for record in records for name in record.per_query)
    fewest = len(records) if all_hold_it else 1
    available = [name for name, count in counts.items() if count >= fewest]
    if not counts:
        raise UsageError("these records have no metric; name one with --metric")
    if requested is not None:
        metric = metric_name.among(naming.metric_as_held(requested), available)
        if metric is None:
            missing = f"no metric '{requested}' in all of these records"
            problem = missing if all_hold_it else f"no record holds {requested}"
            raise UsageError(f"{problem}; {nearest(requested, available)}")
        return metric
    if not all_hold_it:
        return headline(records) or available[0]
    if not available:
        raise UsageError("these records have no metric in common; name records that share one")
    return available[0]


def name_for(records: Sequence[Record], metric: str) -> str:
    """The metric at the level that all these records mean by it; unchanged if they differ."""
    meanings = {metric_in(record, metric) for record in records}
    if len(meanings) != 1:
        return metric
    name = meanings.pop()
    is_clear = all(metric_in(record, name) == name for record in records)
    return name if is_clear else metric_name.explicit(name)


def metric_in(record: Record, metric: str) -> str:
    """The metric that a name means for this record: at its collection's level of relevance.

    `MAP` is `MAP(rel=2)` on TREC DL 2019. A name with a level keeps it, and so does one
    that the record has only at another level.
    """
    usual = metric_name.at_level(metric, record.cell.collection.relevance_level)
    return usual if usual in record.per_query else metric_name.at_level(metric, 1)


def values_of(record: Record, metric: str) -> Mapping[str, float]:
    """Values by query of the metric that a name means for this record; empty if it has none."""
    return record.per_query.get(metric_in(record, metric), {})


def mean_of(record: Record, metric: str) -> float | None:
    """The mean of the metric that a name means for this record; None if it has none."""
    return record.mean(metric_in(record, metric))


def query_count(record: Record) -> int:
    """How many queries the means are over."""
    return max((len(values) for values in record.per_query.values()), default=0)


def docs_per_s(record: Record) -> float | None:
    """Pairs per second of the median offline pass."""
    throughput = record.measurements.throughput
    return throughput.docs_per_s if throughput is not None and throughput.passes_s else None


def docs_per_s_range(record: Record) -> tuple[float, float] | None:
    """Pairs per second of the slowest and of the fastest timed pass."""
    throughput = record.measurements.throughput
    if throughput is None or not throughput.passes_s:
        return None
    return throughput.pairs / max(throughput.passes_s), throughput.pairs / min(throughput.passes_s)


def latency_ms(record: Record, p: float) -> float | None:
    """A percentile of the single-stream requests, by nearest rank, in milliseconds."""
    latency = record.measurements.latency
    if latency is None or not latency.requests_s:
        return None
    return 1000 * order.percentile(latency.requests_s, p)


def seconds_per_query(record: Record) -> float | None:
    """Mean wall time of the single-stream requests: one query with all its candidates each."""
    latency = record.measurements.latency
    return fmean(latency.requests_s) if latency is not None and latency.requests_s else None


def latency_interval_ms(record: Record, p: float) -> tuple[float, float] | None:
    """The 95 % interval of that percentile, in milliseconds; None for too few requests."""
    latency = record.measurements.latency
    if latency is None or p == 100:
        return None
    interval = order.percentile_interval(latency.requests_s, p)
    return (1000 * interval[0], 1000 * interval[1]) if interval is not None else None


def encodes_documents_once(record: Record) -> bool:
    """Whether its cost grows with the number of documents instead of pairs."""
    return record.cell.reranker.reads == "documents-once"


def usd_per_1000_queries(record: Record) -> float | None:
    """The cost of reranking a thousand queries in US dollars, from the price and the measurements.

    Tokens and searches of the offline pass count as the service billed them; hours are the
    wall time of the median pass. None without a price in dollars, or if nothing was counted.
    """
    price, throughput = record.cell.reranker.price, record.measurements.throughput
    if price is None or price.currency != "USD" or throughput is None or not throughput.passes_s:
        return None
    units = {
        "token": throughput.tokens,
        "search": throughput.searches,
        "hour": order.median(throughput.passes_s) / 3600,
    }[price.unit]
    return 1000 * price.amount * units / (price.per * throughput.queries) if units else None


def is_timed(record: Record) -> bool:
    """Whether any speed was measured."""
    return docs_per_s(record) is not None or latency_ms(record, 50) is not None


def setting(record: Record) -> tuple[str, str]:
    """Machine and device: speeds are compared only where both are equal."""
    return record.environment.machine_id, record.cell.engine.device


def machine(record: Record) -> str:
    """The hardware in words: a service, the GPU if it was used, else the CPU."""
    environment, device = record.environment, record.cell.engine.device
    if is_imported(record):
        return "another tool, whose run was imported"
    if device == REMOTE:
        return f"a service, called from machine {environment.machine_id}"
    on_gpu = environment.gpu is not None and device != "cpu"
    hardware = environment.gpu if on_gpu else f"{environment.cpu}, {environment.cores} cores"
    return f"{hardware} ({device}, machine {environment.machine_id})"


def is_baseline(record: Record) -> bool:
    """Whether the row is not a model: first stage, oracle or random."""
    return record.cell.reranker.role in ("first-stage", "oracle", "random")


def is_imported(record: Record) -> bool:
    """Whether the ranking came from another tool's run file."""
    return record.cell.reranker.role == "imported"


def is_first_stage(record: Record) -> bool:
    """Whether the row is the first stage's own order, the reference for gains."""
    return record.cell.reranker.role == "first-stage"
