"""One record → the figures that tables print. All of them are derived; None means not measured."""

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
"""The device of what a service computes."""


def collection_slug(record: Record) -> str:
    """The collection's name, ready to be matched."""
    return slug(record.cell.collection.name)


def first_stage(record: Record) -> str:
    """How people call the first stage: its name, or a run file's name without the collection's.

    On SciFact `run:runs/unicoil-scifact.trec.gz` is `unicoil`.
    """
    # The slug's hyphens stand for any punctuation.
    collection = "[^a-z0-9]+".join(collection_slug(record).split("-"))
    pattern = rf"^{collection}[^a-z0-9]+|[^a-z0-9]+{collection}$"
    return re.sub(pattern, "", _run_name(record), flags=re.IGNORECASE)


def is_first_stage_called(record: Record, names: Sequence[str]) -> bool:
    """Whether one of the names is that of the record's first stage, in whatever spelling."""
    own = (record.cell.first_stage.name, _run_name(record), first_stage(record))
    return not {slug(name) for name in own}.isdisjoint(map(slug, names))


def _run_name(record: Record) -> str:
    """The name of the run file that is the first stage, or else the first stage's name."""
    stage = record.cell.first_stage
    return _RUN_SUFFIXES.sub("", str(stage.parameters.get("file", ""))) or stage.name


def headline(records: Sequence[Record]) -> str | None:
    """The first metric of the first record that all records have, or else its first metric.

    Each at the level of relevance of its collection; the name says the level where all share it.
    None where that record has none at all.
    """
    usual = records[0].cell.collection.relevance_level
    plain = [metric_name.without_level(name, usual) for name in records[0].per_query]
    metrics = [
        # What was asked for at another level than the usual one keeps saying so.
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
    records: Sequence[Record], asked: str | None, *, all_hold_it: bool = False
) -> str:
    """The metric that was asked for, under the name that records hold; else the headline.

    Raises UsageError where no record holds it, or with `all_hold_it` where one of them does not.
    """
    counts = Counter(name for record in records for name in record.per_query)
    fewest = len(records) if all_hold_it else 1
    held = [name for name, count in counts.items() if count >= fewest]
    if not counts:
        raise UsageError("these records hold no metric; name one with --metric")
    if asked is not None:
        metric = metric_name.among(naming.metric_as_held(asked), held)
        if metric is None:
            missing = f"no metric '{asked}' in all of these records"
            problem = missing if all_hold_it else f"no record holds {asked}"
            raise UsageError(f"{problem}; {nearest(asked, held)}")
        return metric
    if not all_hold_it:
        return headline(records) or held[0]
    if not held:
        raise UsageError("no metric in common; name records that share one")
    return held[0]


def name_for(records: Sequence[Record], metric: str) -> str:
    """The metric at the level that is meant for all these records; as it is where they differ."""
    meant = {metric_in(record, metric) for record in records}
    if len(meant) != 1:
        return metric
    name = meant.pop()
    is_clear = all(metric_in(record, name) == name for record in records)
    return name if is_clear else metric_name.explicit(name)


def metric_in(record: Record, metric: str) -> str:
    """The metric that a name means for that record: at its collection's level of relevance.

    `MAP` is `MAP(rel=2)` on TREC DL 2019. A name that says its level keeps it, and so does one
    that the record holds at another level alone.
    """
    usual = metric_name.at_level(metric, record.cell.collection.relevance_level)
    return usual if usual in record.per_query else metric_name.at_level(metric, 1)


def values_of(record: Record, metric: str) -> Mapping[str, float]:
    """The values by query of the metric that a name means for that record; none where it lacks."""
    return record.per_query.get(metric_in(record, metric), {})


def mean_of(record: Record, metric: str) -> float | None:
    """The mean of the metric that a name means for that record; None where it has none."""
    return record.mean(metric_in(record, metric))


def query_count(record: Record) -> int:
    """How many queries count in the means."""
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
    """Whether its work grows with the documents, not with the pairs that they are in."""
    return record.cell.reranker.reads == "documents-once"


def usd_per_1000_queries(record: Record) -> float | None:
    """What reranking a thousand queries costs in US dollars, from the price and what was measured.

    Tokens and searches of the offline pass are counted as the service billed them; hours are the
    wall time of the median pass. None without a price in dollars, or where nothing was counted.
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
    """What the cell ran on, in words: a service, the GPU where it was used, else the CPU."""
    environment, device = record.environment, record.cell.engine.device
    if is_imported(record):
        return "another tool, whose run was imported"
    if device == REMOTE:
        return f"a service, called from machine {environment.machine_id}"
    on_gpu = environment.gpu is not None and device != "cpu"
    hardware = environment.gpu if on_gpu else f"{environment.cpu}, {environment.cores} cores"
    return f"{hardware} ({device}, machine {environment.machine_id})"


def is_baseline(record: Record) -> bool:
    """Whether the row is no model: first stage, oracle, random."""
    return record.cell.reranker.role in ("first-stage", "oracle", "random")


def is_imported(record: Record) -> bool:
    """Whether the ranking came from another tool's run file."""
    return record.cell.reranker.role == "imported"


def is_first_stage(record: Record) -> bool:
    """Whether the row is the first stage's own order, against which gains are counted."""
    return record.cell.reranker.role == "first-stage"
