"""Choose, compare and guard rerankers: measured nDCG@10, measured docs/sec, publishable tables.

The public functions are described in docs/python.md; importing the package imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    import pandas as pd

__version__ = "0.1.0"
__all__ = ["__version__", "load_per_query", "load_results"]


def load_results(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = "results",
) -> pd.DataFrame:
    """One row per record below folders, or in record files: names, means, speeds, warnings.

    Raises `rerankbench.errors.InputError` for a path that is missing or holds no records.
    """
    from rerankbench.interchange import frame

    return frame.load(paths, frame.records_frame)


def load_per_query(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = "results",
) -> pd.DataFrame:
    """One row per record, metric and judged query, the query's value in the column `value`.

    Raises `rerankbench.errors.InputError` for a path that is missing or holds no records.
    """
    from rerankbench.interchange import frame

    return frame.load(paths, frame.per_query_frame)
