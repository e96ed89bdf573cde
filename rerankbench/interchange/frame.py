"""Records as pandas frames (docs/python.md); pandas is imported only here, when asked for.

Columns are only ever added. Nothing is rounded, filtered or chosen; missing means not measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rerankbench.results import derived, grouping
from rerankbench.results.store import read_records
from rerankbench.types import Record

if TYPE_CHECKING:
    import pandas as pd

StrPath: TypeAlias = "str | os.PathLike[str]"

PERCENTILES = (50, 90, 95, 99)
_COUNTS = ("sampled_queries", "parameters", "max_length")
_SPEEDS = ("docs_per_s", *(f"latency_p{p}_ms" for p in PERCENTILES), "usd_per_1000_queries")


def load(
    paths: StrPath | Iterable[StrPath], form: Callable[[Sequence[Record]], pd.DataFrame]
) -> pd.DataFrame:
    """The frame of all records of one path or of several. Raises InputError."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return form(read_records([Path(path) for path in several]))


def records_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record, in the order of `--format json`; a column for every metric of any."""
    import pandas as pd

    ordered = grouping.in_order(records)
    frame = pd.DataFrame([_row(record) for record in ordered])
    metrics = dict.fromkeys(name for record in ordered for name in record.per_query)
    means = {name: [record.mean(name) for record in ordered] for name in metrics}
    types = {**dict.fromkeys(_COUNTS, "Int64"), **dict.fromkeys(_SPEEDS, "float64")}
    return pd.concat([frame.astype(types), pd.DataFrame(means, dtype="float64")], axis="columns")


def per_query_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record, metric and query; the two keys find the record's row again."""
    import pandas as pd

    parts = [
        (record, metric, values)
        for record in grouping.in_order(records)
        for metric, values in record.per_query.items()
    ]
    cells = pd.DataFrame([{**_cell(record), "metric": metric} for record, metric, _ in parts])
    frame = cells.loc[cells.index.repeat([len(values) for _, _, values in parts])]
    return frame.reset_index(drop=True).assign(
        query_id=[query for _, _, values in parts for query in values],
        value=[value for _, _, values in parts for value in values.values()],
    )


def _cell(record: Record) -> dict[str, object]:
    cell = record.cell
    return {
        "suite": record.suite,
        "collection": cell.collection.name,
        "split": cell.collection.split,
        "first_stage": cell.first_stage.name,
        "depth": cell.depth,
        "adds_positives": cell.adds_positives,
        "reranker": cell.reranker.name,
        "quality_key": record.quality_key,
        "speed_key": record.speed_key,
    }


def _row(record: Record) -> dict[str, object]:
    reranker, engine = record.cell.reranker, record.cell.engine
    return {
        **_cell(record),
        "family": reranker.family,
        "revision": reranker.revision,
        "parameters": reranker.parameters,
        "dtype": reranker.dtype,
        "max_length": reranker.max_length,
        "engine": engine.engine,
        "device": engine.device,
        "machine_id": record.environment.machine_id,
        "started_at": record.started_at,
        "queries": derived.query_count(record),
        "sampled_queries": record.cell.collection.sampled_queries,
        "queries_without_results": record.queries_without_results,
        "docs_per_s": derived.docs_per_s(record),
        **{f"latency_p{p}_ms": derived.latency_ms(record, p) for p in PERCENTILES},
        "usd_per_1000_queries": derived.usd_per_1000_queries(record),
        "warnings": record.warnings,
    }
