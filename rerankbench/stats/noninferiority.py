"""Did a mean drop by more than a margin? Its bound, its p, and what could be detected."""

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
    """The drop of the mean that is not exceeded with that confidence: one-sided, bootstrap.

    Percentile bootstrap over queries, as for intervals. `drops` holds base less new, one a query.
    Raises ValueError where there are none.
    """
    given = np.asarray(drops, dtype=np.float64)[None, :]
    means = paired.bootstrap_means(given, resamples=resamples, seed=seed)
    return float(np.quantile(means[0], confidence))


def p_of_drop(
    drops: Sequence[float], *, permutations: int = paired.PERMUTATIONS, seed: int = paired.SEED
) -> float:
    """One-sided p of Fisher's paired randomisation test that the mean did not drop.

    Under equality each query's difference could as well have the other sign, so the two-sided p
    divides between the sides; where the mean did not drop, p is at least one half.
    """
    two_sided = paired.randomisation_p(drops, permutations=permutations, seed=seed)
    dropped = math.fsum(drops) > 0
    return two_sided / 2 if dropped else 1 - two_sided / 2


def detectable(
    drops: Sequence[float], *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """The least drop of the mean that so many queries tell from none with that power.

    (z_{1 - alpha} + z_power) · s / √n of the one-sided paired test at `alpha`, s the standard
    deviation of the drops (Cohen, "Statistical Power Analysis", 2nd edition, chapter 2). None for
    fewer than two queries, which have no such deviation.
    """
    given = np.asarray(drops, dtype=np.float64)
    if len(given) < 2:
        return None
    normal = NormalDist()
    z = normal.inv_cdf(1 - alpha) + normal.inv_cdf(power)
    return float(z * given.std(ddof=1) / math.sqrt(len(given)))
