"""Did a mean drop by more than a margin? Its bound, its p, and the detectable drop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from rerankbench.stats import paired

CONFIDENCE = 0.95
ALPHA = 0.01
POWER = 0.95


def upper_bound(
    drops: Sequence[float],
    *,
    confidence: float = CONFIDENCE,
    resamples: int = paired.RESAMPLES,
    seed: int = paired.SEED,
) -> float:
    """The one-sided bootstrap bound of the mean's drop at that confidence.

    Percentile bootstrap over queries, as for intervals. `drops` holds base less new, one a query.
    Raises ValueError where there are none.
    """
    row = np.asarray(drops, dtype=np.float64)[None, :]
    means = paired.bootstrap_means(row, resamples=resamples, seed=seed)
    return float(np.quantile(means[0], confidence))


def p_of_drop(
    drops: Sequence[float], *, permutations: int = paired.PERMUTATIONS, seed: int = paired.SEED
) -> float:
    """One-sided p of Fisher's paired randomisation test that the mean did not drop.

    Under equality each query's difference could as well have the other sign, so the two-sided p
    divides between the sides; if the mean did not drop, p is at least one half.
    """
    two_sided = paired.randomisation_p(drops, permutations=permutations, seed=seed)
    dropped = math.fsum(drops) > 0
    return two_sided / 2 if dropped else 1 - two_sided / 2


def fewest(alpha: float = ALPHA) -> int:
    """The fewest queries that can show a drop at all: if each is worse, p is 1/2ⁿ.

    Of the 2ⁿ sign patterns only the observed one then has such a large sum, whatever the drop.
    """
    return max(1, math.ceil(math.log2(1 / alpha)))


def detectable(
    drops: Sequence[float], *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The smallest drop of the mean that this many queries detect with that power.

    The largest of three, s being the standard deviation of the n drops:

    - (t_{1 - alpha} + t_power) · s / √n, of the one-sided paired test (Cohen, "Statistical Power
      Analysis", 2nd edition, chapter 2);
    - z_q · s and q · the mean size of the drops other than 0. The test needs at least `fewest`
      queries that drop, so each must do so with a probability q that gives as many with that
      power: by a shift of all queries, or by queries that lose what these moved by.

    None if there is no honest number: fewer than `fewest` queries, or no changed value.
    """
    differences = np.asarray(drops, dtype=np.float64)
    queries, needed = len(differences), fewest(alpha)
    sizes = np.abs(differences)
    # Differences that are only rounding do not count as changes.
    moved = sizes[sizes > 1e-9 * sizes.max(initial=0.0)]
    if queries < max(2, needed) or not len(moved):
        return None
    spread = float(differences.std(ddof=1))
    chance = _chance(queries, needed, power)
    t = _student(1 - alpha, queries - 1) + _student(power, queries - 1)
    of_all = max(t / math.sqrt(queries), NormalDist().inv_cdf(chance)) * spread
    return max(of_all, chance * float(moved.mean()))


def _chance(queries: int, needed: int, power: float) -> float:
    """The probability of each query at which at least `needed` of them occur with that power."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        fewer = math.fsum(
            math.comb(queries, count) * middle**count * (1 - middle) ** (queries - count)
            for count in range(needed)
        )
        low, high = (middle, high) if fewer > 1 - power else (low, middle)
    return (low + high) / 2


def _student(probability: float, freedom: int) -> float:
    """A quantile of Student's t, to a hundredth from six degrees of freedom on."""
    # Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.5.
    z = NormalDist().inv_cdf(probability)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / freedom**power for power, term in enumerate(terms, 1))
