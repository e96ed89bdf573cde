"""A line below a table: which reranker leads, whether that is real, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.leaderboard.columns.base import Context
from rerankbench.results import derived
from rerankbench.types import Record


def verdict(context: Context) -> str | None:
    """What `compare.leader` says of a table of one task; None for other tables.

    `a leads b by 0.017 nDCG@10; 300 queries cannot tell them apart (p = 0.210). …`
    """
    records = list(context.selection.records())
    metric = context.metric
    if metric is None or context.judge is not None or len({one.task for one in records}) != 1:
        return None
    if all(map(derived.is_baseline, records)) or not _share_queries(records, metric):
        return None
    # It imports numpy, which tables without such a line need not wait for.
    from rerankbench.compare.leader import leader, sentences

    leading = leader(records, metric)
    if leading is None or (leading.second is None and leading.first_stage is None):
        return None
    return " ".join(sentences(leading))


def _share_queries(records: Sequence[Record], metric: str) -> bool:
    """Whether those that hold the metric hold it for the same queries: only then tests compare."""
    queries = {frozenset(derived.values_of(record, metric)) for record in records}
    return len(queries - {frozenset()}) == 1
