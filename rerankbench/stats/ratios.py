"""How many times slower: the median of paired ratios, and an interval that assumes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.stats import order


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """New ÷ base: 1.2 took a fifth more. `low` and `high` enclose it; None where they cannot."""

    median: float
    low: float | None
    high: float | None


def paired(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of values that were measured in turn, pair by pair.

    What drifts slowly touches both of a pair and cancels. The interval is that of the median, by
    order statistics: it needs six pairs for 95 %. Raises ValueError for unequal or no pairs.
    """
    ratios = [after / before for before, after in zip(base, new, strict=True)]
    interval = order.percentile_interval(ratios, 50)
    low, high = (None, None) if interval is None else interval
    return Ratio(median=order.median(ratios), low=low, high=high)


def apart(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of medians of values measured apart, each set by itself.

    Its bounds are the ranges': the least of the new by the greatest of the base, and the reverse.
    Three against three lie apart by chance in 1 of 20 cases a side, if nothing drifted meanwhile.
    """
    return Ratio(
        median=order.median(new) / order.median(base),
        low=min(new) / max(base),
        high=max(new) / min(base),
    )
