"""Order statistics: percentiles by nearest rank, and intervals that assume no distribution.

Latencies are skewed and have outliers, so nothing here rests on a mean, a standard deviation or a
normal curve.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the two in the middle.

    Differs from `percentile(values, 50)`, which always is one of the values. Raises ValueError
    if there are none.
    """
    if not values:
        raise ValueError("no values")
    return statistics.median(values)


def percentile(values: Sequence[float], p: float) -> float:
    """The smallest value that at least `p` percent of the values do not exceed: one of them.

    With the values sorted, the one at rank `ceil(p / 100 * n)`, counted from 1. Raises ValueError
    where there are no values or `p` is not above 0 and at most 100.
    """
    # Nearest rank: definition 1 of Hyndman and Fan, "Sample Quantiles in Statistical Packages",
    # The American Statistician 50(4), 1996. No interpolation: it would report a latency that no
    # request had.
    if not values:
        raise ValueError("no values")
    return sorted(values)[nearest_rank(len(values), p) - 1]


@lru_cache(maxsize=1024)
def nearest_rank(count: int, p: float) -> int:
    """Rank, from 1, of the `p`-th percentile of `count` sorted values."""
    if not 0 < p <= 100:
        raise ValueError(f"a percentile is above 0 and at most 100, not {p}")
    # Fraction(str(p)) is the decimal that was written: 99.9 % of 1,000 is rank 999, not 1,000.
    return math.ceil(Fraction(str(p)) * count / 100)


def percentile_interval(
    values: Sequence[float], p: float, confidence: float = 0.95
) -> tuple[float, float] | None:
    """Two of the values that enclose the true `p`-th percentile with at least that confidence.

    None where there are too few values for any two of them to do so.
    """
    ranks = percentile_interval_ranks(len(values), p, confidence)
    if ranks is None:
        return None
    ordered = sorted(values)
    return ordered[ranks[0] - 1], ordered[ranks[1] - 1]


def percentile_interval_ranks(
    count: int, p: float, confidence: float = 0.95
) -> tuple[int, int] | None:
    """Ranks, from 1, of the values that enclose the `p`-th percentile: 40 and 49 for P90 of 50.

    How many of `count` independent values lie below the true percentile is binomial with
    probability `p / 100`, so ranks l < u enclose it with probability P(l <= B <= u - 1), whatever
    the distribution of the values. Among the pairs that reach `confidence` the one with the fewest
    ranks between is taken, and among those the one that exceeds `confidence` least.
    """
    # David and Nagaraja, "Order Statistics", 3rd edition, section 7.1; the same interval in
    # Le Boudec, "Performance Evaluation of Computer and Communication Systems", theorem 2.1.
    if not 0 < p < 100:
        raise ValueError(f"an interval needs a percentile between 0 and 100, not {p}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is between 0 and 1, not {confidence}")
    below = _cumulative_binomial(count, p / 100)
    best: tuple[int, float, int] | None = None
    upper = 1
    for lower in range(1, count):
        upper = max(upper, lower + 1)
        while upper < count and below[upper - 1] - below[lower - 1] < confidence:
            upper += 1
        coverage = below[upper - 1] - below[lower - 1]
        if coverage < confidence:
            break
        candidate = (upper - lower, coverage, lower)
        best = candidate if best is None else min(best, candidate)
    return None if best is None else (best[2], best[2] + best[0])


def _cumulative_binomial(count: int, probability: float) -> list[float]:
    """P(B <= k) for k from 0 to `count`."""
    # By logarithms, because the coefficients overflow a float from about 1,000 values on.
    total = 0.0
    sums = []
    for k in range(count + 1):
        log_ways = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        total += math.exp(
            log_ways + k * math.log(probability) + (count - k) * math.log1p(-probability)
        )
        sums.append(total)
    return sums
