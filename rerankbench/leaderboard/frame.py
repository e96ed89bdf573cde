"""Records as pandas frames, to slice and plot; pandas is imported only here, when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rerankbench.leaderboard.renderers.json import summary
from rerankbench.types import Record

if TYPE_CHECKING:
    import pandas as pd


def records_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record: the keys of `--format json`, nested ones as `metrics.nDCG@10`."""
    import pandas as pd

    return pd.json_normalize([summary(record) for record in records])


def per_query_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record, metric and query, in columns that name the cell and hold the value."""
    import pandas as pd

    rows = [
        {
            "suite": record.suite,
            "collection": record.cell.collection.name,
            "split": record.cell.collection.split,
            "first_stage": record.cell.first_stage.name,
            "depth": record.cell.depth,
            "reranker": record.cell.reranker.name,
            "metric": metric,
            "query_id": query_id,
            "value": value,
        }
        for record in records
        for metric, values in record.per_query.items()
        for query_id, value in values.items()
    ]
    return pd.DataFrame(rows)
