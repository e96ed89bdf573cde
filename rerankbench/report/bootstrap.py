"""The bootstrapped means of a board's records, drawn once for all plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rerankbench.compare.significance import is_tested
from rerankbench.report.boards import Board
from rerankbench.results import derived
from rerankbench.stats.paired import Interval, bootstrap_means, percentile_interval
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class BootstrappedMeans:
    """By the identity of a record: the mean of its metric over many samples of its queries."""

    by_record: Mapping[int, NDArray[np.float64]]

    def interval(self, records: Sequence[Record]) -> Interval:
        """The 95 % interval of the mean over these records, each of another task."""
        # Samples of one task say nothing of those of another: shifted, no two are drawn alike.
        means = [np.roll(self.by_record[id(one)], at) for at, one in enumerate(records)]
        return percentile_interval(np.mean(means, axis=0))


def bootstrapped(board: Board) -> BootstrappedMeans:
    """Of every model and first stage with the board's metric; other baselines have none."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in board.records:
        values = derived.values_of(record, board.metric or "")
        if values and is_tested(record):
            groups.setdefault(tuple(sorted(values)), []).append(record)
    by_record: dict[int, NDArray[np.float64]] = {}
    for queries, records in groups.items():
        # Drawing queries takes the time: those of one task are drawn once for all models.
        rows = [derived.values_of(record, board.metric or "") for record in records]
        means = bootstrap_means([[values[query] for query in queries] for values in rows])
        by_record |= {id(record): mine for record, mine in zip(records, means, strict=True)}
    return BootstrappedMeans(by_record=by_record)
