"""Records as JSON: the stable interface for programs (docs/interface.md).

Keys are only ever added. Nothing is rounded, filtered or chosen; null means not measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from rerankbench.results import derived, grouping
from rerankbench.types import Record

PERCENTILES = (50, 90, 95, 99)


def render(records: Sequence[Record]) -> str:
    """A list with one object per record, in a fixed order, in ASCII, ending with a newline."""
    found = [summary(record) for record in grouping.in_order(records)]
    return json.dumps(found, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def summary(record: Record) -> dict[str, object]:
    """What a program needs to know of one record."""
    cell = record.cell
    return {
        "suite": record.suite,
        "collection": cell.collection.name,
        "split": cell.collection.split,
        "first_stage": cell.first_stage.name,
        "depth": cell.depth,
        "reranker": cell.reranker.name,
        "parameters": cell.reranker.parameters,
        "queries": derived.query_count(record),
        "metrics": {metric: record.mean(metric) for metric in record.per_query},
        "docs_per_s": derived.docs_per_s(record),
        "latency_ms": {f"p{p}": derived.latency_ms(record, p) for p in PERCENTILES},
        "failed_attempts": len(record.measurements.failed_attempts_s),
        "usd_per_1000_queries": derived.usd_per_1000_queries(record),
        "machine_id": record.environment.machine_id,
        "started_at": record.started_at,
        "warnings": list(record.warnings),
    }
