"""The rerank depth that is best for a latency budget."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.compare.ceilings import SAME
from rerankbench.compare.depth import DepthCurve
from rerankbench.stats import order
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetChoice:
    """The best depth within a latency budget, and its estimated time; 0 means no reranking."""

    depth: int
    mean: float
    estimated_ms: float


def estimated_ms(record: Record, depth: int) -> float | None:
    """About how long one query takes at that depth: the median request (P50).

    A request of no more documents counts as it was measured; of a longer one as much as the
    depth's share of its documents, as if time grew evenly with them. So at the full depth it is
    what was measured, and nothing is extrapolated. None without a measurement.
    """
    latency = record.measurements.latency
    if latency is None or not latency.requests_s:
        return None
    shares = (min(1.0, depth / pairs) if pairs else 1.0 for pairs in latency.pairs_per_request)
    times_s = [time_s * share for time_s, share in zip(latency.requests_s, shares, strict=True)]
    return 1000 * order.percentile(times_s, 50)


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
