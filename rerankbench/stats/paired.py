"""Systems compared over the same queries: randomisation test, bootstrap, Holm, effect size.

The same values, queries in the same order, and the same seed give the same result on every
machine: random bits come straight from PCG64, whose stream numpy keeps, and all sums are exact.
Callers sort the queries by id, so that the order in which a file lists them does not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERMUTATIONS = 10_000
RESAMPLES = 10_000
SEED = 0

_Floats: TypeAlias = NDArray[np.float64]
_Places: TypeAlias = NDArray[np.int64]
# Multiplications in one matrix product: OpenBLAS does this few in one thread. Where other programs
# are busy, its threads wait long for each other. The matrices also stay in the processor's cache.
_CHUNK = 2**18
# Binary digits kept of a value. Sums of up to a million such values are exact in a float64,
# in whatever order a matrix product adds them.
_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A confidence interval: both ends belong to it."""

    low: float
    high: float


def randomisation_p(
    differences: Sequence[float], *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> float:
    """Two-sided p of Fisher's paired randomisation test: one difference a query, mean 0?

    See `pairwise_p`, of which this is the case of two systems.
    """
    observed = np.asarray(differences, dtype=np.float64)
    both = np.stack([observed, np.zeros_like(observed)])
    return float(pairwise_p(both, permutations=permutations, seed=seed)[0, 1])


def pairwise_p(
    values: ArrayLike, *, permutations: int = PERMUTATIONS, seed: int = SEED
) -> _Floats:
    """Two-sided p of Fisher's paired randomisation test between all pairs of systems.

    Were two systems equal, each query's difference could as well have the other sign. p is the
    share of sign patterns whose sum of differences is at least as far from 0 as the observed one:
    of all 2^m patterns where the m differences other than 0 allow no more than `permutations`,
    which is exact and holds the observed pattern already; else (c + 1) / (n + 1) for c of n
    random ones, where the observed pattern is the added one, so that no p is 0.

    Args:
        values: systems × queries, the queries in the same order for every system.
        permutations: random sign patterns, shared by all pairs.
        seed: of the random bits.

    Returns:
        systems × systems, symmetric, 1 on the diagonal.
    """
    # Smucker, Allan and Carterette, "A Comparison of Statistical Significance Tests for
    # Information Retrieval Evaluation", CIKM 2007; the added one: Phipson and Smyth, "Permutation
    # P-values Should Never Be Zero", 2010.
    grid = _on_grid(np.asarray(values, dtype=np.float64))
    systems, queries = grid.shape
    left, right = np.triu_indices(systems, 1)
    # Equal statistics count as equal: rounding moves n values by up to n / 2 steps of the grid.
    observed = np.abs(grid[left].sum(axis=1) - grid[right].sum(axis=1)) - queries
    p_values = np.empty(len(left))
    sampled = np.ones(len(left), dtype=bool)
    for pair, (a, b) in enumerate(zip(left, right, strict=True)):
        differences = grid[a] - grid[b]
        differing = differences[np.abs(differences) > 1]
        if 2 ** len(differing) <= permutations:
            sampled[pair] = False
            p_values[pair] = _exact_p(differing, observed[pair])
    if sampled.any():
        chosen = left[sampled], right[sampled]
        reached = _reached(grid, *chosen, observed[sampled], permutations, seed)
        p_values[sampled] = (reached + 1) / (permutations + 1)
    p = np.ones((systems, systems))
    p[left, right] = p[right, left] = p_values
    return p


def _on_grid(values: _Floats) -> _Floats:
    """Values as whole numbers of `_DIGITS` binary digits, all on one scale."""
    largest = np.abs(values).max(initial=0.0)
    _, exponent = np.frexp(largest)
    return np.rint(np.ldexp(values, _DIGITS - int(exponent)))


def _in_steps(values: _Floats) -> tuple[_Floats, NDArray[np.int32]]:
    """Each row as whole numbers of steps, and the power of two that its step is.

    Steps are as small as lets a float64 hold the sum of a whole row of the largest value.
    """
    digits = 53 - (values.shape[1] - 1).bit_length()
    _, exponents = np.frexp(np.abs(values).max(axis=1, keepdims=True))
    step_sizes = exponents - digits
    return np.rint(np.ldexp(values, -step_sizes)), step_sizes


def _exact_p(differences: _Floats, observed: float) -> float:
    """The share of all sign patterns whose sum reaches the observed one."""
    sums = np.zeros(1)
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    return float(np.mean(np.abs(sums) >= observed))


def _reached(
    grid: _Floats, left: _Places, right: _Places, observed: _Floats, permutations: int, seed: int
) -> NDArray[np.int64]:
    """How many random sign patterns reach the observed sum of each pair of rows."""
    reached = np.zeros(len(left), dtype=np.int64)
    for sums in _signed_sums(grid, permutations, seed):
        # A signed sum of differences is the difference of the signed sums.
        distances = np.abs(sums[left] - sums[right])
        reached += np.count_nonzero(distances >= observed[:, None], axis=1)
    return reached


def _signed_sums(grid: _Floats, permutations: int, seed: int) -> Iterator[_Floats]:
    """Chunks of systems × patterns: the sums of the values under random signs."""
    systems, queries = grid.shape
    bits = np.random.PCG64(seed)
    words = -(-queries // 64)
    total = grid.sum(axis=1)[:, None]
    for rows in _chunks(permutations, systems * queries):
        raw = bits.random_raw(rows * words).astype("<u8").reshape(rows, words)
        plus = np.unpackbits(raw.view(np.uint8), axis=1, count=queries)
        yield 2 * (grid @ plus.astype(np.float64).T) - total


def bootstrap_interval(
    values: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Percentile bootstrap interval of the mean, resampling queries.

    One value alone has an interval of no width. Raises ValueError where there are no values or
    `confidence` is not between 0 and 1.
    """
    row = np.asarray(values, dtype=np.float64)[None, :]
    return percentile_interval(
        bootstrap_means(row, resamples=resamples, seed=seed)[0], confidence=confidence
    )


def bootstrap_means(values: ArrayLike, *, resamples: int = RESAMPLES, seed: int = SEED) -> _Floats:
    """Means over `resamples` samples of the queries, drawn with replacement.

    All systems see the same samples, so that the difference of two rows is the bootstrap of the
    difference. `values` is systems × queries, the result systems × resamples. Raises ValueError
    where there are no queries.
    """
    table = np.asarray(values, dtype=np.float64)
    systems, queries = table.shape
    if not queries:
        raise ValueError("no values")
    # A row of whole numbers of steps has the same sums in whatever order they are added.
    steps, step_sizes = _in_steps(table)
    bits = np.random.PCG64(seed)
    means = np.empty((systems, resamples))
    done = 0
    for rows in _chunks(resamples, systems * queries):
        raw = bits.random_raw(rows * -(-queries // 2)).astype("<u8").view("<u4")
        # A 32-bit number times n, its upper half: every query as likely, to n in 2^32.
        drawn = np.multiply(raw.reshape(rows, -1)[:, :queries], queries, dtype=np.int64) >> 32
        places = (drawn + np.arange(rows)[:, None] * queries).ravel()
        times = np.bincount(places, minlength=rows * queries).reshape(rows, queries)
        sums = steps @ times.T.astype(np.float64)
        means[:, done : done + rows] = np.ldexp(sums, step_sizes) / queries
        done += rows
    return means


def percentile_interval(means: ArrayLike, *, confidence: float = 0.95) -> Interval:
    """The middle `confidence` of bootstrapped figures (Efron's percentile method)."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is between 0 and 1, not {confidence}")
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.asarray(means, dtype=np.float64), [tail, 1 - tail])
    return Interval(low=float(low), high=float(high))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p for testing all of them at once (Holm 1979), in the order given.

    If differences with an adjusted p of at most α are called significant, the probability of any
    error among the tests is at most α, however the tests depend on one another.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, at in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def effect_size(differences: Sequence[float]) -> float | None:
    """Cohen's d for pairs (d_z): the mean difference in its standard deviations (n - 1).

    0 if no query differs; None if it has no meaning: fewer than two queries, or all
    differing by the same amount.
    """
    array = np.asarray(differences, dtype=np.float64)
    if len(array) < 2:
        return None
    if not array.any():
        return 0.0
    spread = float(array.std(ddof=1))
    # What rounding leaves of equal numbers is not a spread.
    return None if spread < 1e-9 * np.abs(array).max() else float(array.mean()) / spread


def _chunks(rows: int, multiplications: int) -> Iterator[int]:
    """Numbers of rows that add up to `rows`; each row needs that many multiplications."""
    most = max(1, _CHUNK // max(1, multiplications))
    for start in range(0, rows, most):
        yield min(most, rows - start)
