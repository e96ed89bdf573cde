"""Records as pandas frames (docs/python.md); pandas is imported only here, when asked for.

Columns are only ever added. Nothing is rounded, filtered or chosen; missing means not measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from rerankbench.results import grouping, row_names
from rerankbench.results.figures import CELL, FIGURES, flat
from rerankbench.results.store import read_records
from rerankbench.types import Record

if TYPE_CHECKING:
    import pandas as pd

StrPath: TypeAlias = "str | os.PathLike[str]"


def load(
    paths: StrPath | Iterable[StrPath], form: Callable[[Sequence[Record]], pd.DataFrame]
) -> pd.DataFrame:
    """The frame of all records of one path or of several. Raises InputError."""
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    return form(row_names.tell_apart(read_records([Path(path) for path in several])))


def records_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record, in the order of `--format json`; a column for every metric of any."""
    import pandas as pd

    ordered = grouping.in_order(records)
    frame = pd.DataFrame([flat(record) for record in ordered])
    metrics = dict.fromkeys(name for record in ordered for name in record.per_query)
    means = {name: [record.mean(name) for record in ordered] for name in metrics}
    types = {figure.name: figure.dtype for figure in FIGURES if figure.dtype is not None}
    return pd.concat([frame.astype(types), pd.DataFrame(means, dtype="float64")], axis="columns")


def per_query_frame(records: Sequence[Record]) -> pd.DataFrame:
    """One row per record, metric and query; the two keys find the record's row again."""
    import pandas as pd

    parts = [
        (record, metric, values)
        for record in grouping.in_order(records)
        for metric, values in record.per_query.items()
    ]
    cells = pd.DataFrame([{**flat(record, CELL), "metric": metric} for record, metric, _ in parts])
    frame = cells.loc[cells.index.repeat([len(values) for _, _, values in parts])]
    return frame.reset_index(drop=True).assign(
        query_id=[query for _, _, values in parts for query in values],
        value=[value for _, _, values in parts for value in values.values()],
    )
