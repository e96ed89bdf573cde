"""Records before and after a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rerankbench.types import Measurements, Record, Throughput

from ..leaderboard.records import make_record


def record(values: Sequence[float] = (0.5,), reranker: str = "model", **options: Any) -> Record:
    """A record with these nDCG@10, one a query."""
    return make_record(reranker, {"nDCG@10": values}, **options)


def timed(made: Record, passes_s: Sequence[float], peak_bytes: int | None = None) -> Record:
    """The record with timed passes of a hundred pairs."""
    throughput = Throughput(
        queries=1,
        pairs=100,
        tokens=0,
        padded_tokens=0,
        truncated_pairs=0,
        warmup_passes_s=(),
        passes_s=tuple(passes_s),
    )
    measurements = Measurements(throughput=throughput, peak_host_bytes=peak_bytes)
    return replace(made, measurements=measurements)
