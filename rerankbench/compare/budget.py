"""The rerank depth that is best for a latency budget."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.compare.ceilings import SAME
from rerankbench.compare.depth import DepthCurve
from rerankbench.results import derived
from rerankbench.stats import order
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChoice:
    """The best depth within a latency budget, and its estimated time; 0 means no reranking."""

    depth: int
    mean: float
    estimated_ms: float


def estimated_ms(record: Record, depth: int) -> float | None:
    """About how long one query takes at that depth: the median request's time, scaled to it.

    An estimate, as if the time grew with the number of documents. None without a measurement.
    """
    latency, median_ms = record.measurements.latency, derived.latency_ms(record, 50)
    if latency is None or median_ms is None:
        return None
    documents = order.median(latency.pairs_per_request)
    return median_ms * depth / documents if documents else None


def best_within(curve: DepthCurve, record: Record, budget_ms: float) -> BudgetChoice | None:
    """The depth with the highest mean whose estimated time fits; None without a measurement."""
    chosen: BudgetChoice | None = None
    for depth, mean in zip(curve.depths, curve.means, strict=True):
        time_ms = estimated_ms(record, depth)
        if time_ms is None:
            return None
        if time_ms <= budget_ms and (chosen is None or mean > chosen.mean + SAME):
            chosen = BudgetChoice(depth=depth, mean=mean, estimated_ms=time_ms)
    return chosen
