"""The centre of values that scatter evenly to both sides, and an interval around it.

Hodges and Lehmann's estimator with the interval that belongs to Wilcoxon's signed-rank test: as
narrow as Student's where the scatter is normal, and hardly moved by a burst of noise in a few of
the values.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement
from statistics import median


def estimate(values: Sequence[float]) -> float:
    """Hodges and Lehmann's estimator: the median of the means of all pairs, self-pairs included.

    Raises ValueError where there are no values.
    """
    # Hodges and Lehmann, "Estimates of Location Based on Rank Tests", 1963.
    if not values:
        raise ValueError("no values")
    return median(_walsh(values))


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Encloses the centre of a symmetric distribution with at least that confidence.

    None where there are too few values: 95 % needs six.
    """
    # Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods", 3rd edition, section 3.3.
    ordered = sorted(_walsh(values))
    outside = _outside(len(values), confidence)
    return (ordered[outside - 1], ordered[-outside]) if outside else None


def _walsh(values: Sequence[float]) -> list[float]:
    """Walsh averages: the means of all pairs, each value with itself included."""
    return [(first + second) / 2 for first, second in combinations_with_replacement(values, 2)]


@lru_cache(maxsize=64)
def _outside(count: int, confidence: float) -> int:
    """How many of the smallest rank sums, on one side, stay within the allowed probability.

    The interval starts at the Walsh average of that rank. Raises ValueError for no probability.
    """
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is between 0 and 1, not {confidence}")
    allowed = (1 - confidence) / 2 * 2**count
    ways = _rank_sums(count)
    below = count_below = 0
    while below + ways[count_below] <= allowed:
        below += ways[count_below]
        count_below += 1
    return count_below


def _rank_sums(count: int) -> list[int]:
    """Total → in how many of the 2^count sign patterns the positive ranks add up to it."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = [*ways, *[0] * rank]
        for total, number in enumerate(ways):
            longer[total + rank] += number
        ways = longer
    return ways
