"""How often tables err when they call systems different, and what they can find: by simulation.

Systems are made, so that the truth about them is known. Each query has a difficulty of its own,
and a system puts the one relevant document at a rank that depends on it and on chance; the value
is its nDCG@10. Means, zeros, ones, ties between two systems and the spread of their differences
are near to those of BM25 and a small cross-encoder on SciFact; the results name both.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks import common
from rerankbench.compare.significance import ALPHA
from rerankbench.stats import paired

Values: TypeAlias = NDArray[np.float64]

QUERIES = (50, 100, 300, 1000, 7000)
DELTAS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.1)
SYSTEMS = (2, 3, 5, 10)
# Enough for a level of 5 %, also after Holm over 45 pairs.
PERMUTATIONS = 1999
RESAMPLES = 1000
_DIFFICULTY_SD, _CHANCE_SD = 2.0, 0.8
_CUT = 10
_POPULATION = 1_000_000
_SEED = 20_261_121


def draw_systems(seed: int, queries: int, shifts: Sequence[float]) -> Values:
    """Systems × queries: nDCG@10 of systems that are better by so much; equal ones at equal."""
    draw = np.random.default_rng(seed)
    difficulty = draw.normal(0.0, _DIFFICULTY_SD, queries)
    chance = draw.normal(0.0, _CHANCE_SD, (len(shifts), queries))
    ranks = np.ceil(np.exp(difficulty + chance - np.array(shifts)[:, None]))
    found: Values = np.where(ranks <= _CUT, 1 / np.log2(1 + ranks), 0.0)
    return found


@cache
def true_mean(shift: float) -> float:
    """The mean over very many queries."""
    return float(draw_systems(_SEED, _POPULATION, [shift]).mean())


@cache
def shift_for(delta: float) -> float:
    """How a system must be shifted to be better by `delta`: by halving."""
    low, high = 0.0, 2.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if true_mean(middle) - true_mean(0) < delta else (low, middle)
    return (low + high) / 2


def share_different(queries: int, delta: float, trials: int) -> float:
    """How often two systems that truly differ by `delta` are called different."""
    shift = shift_for(delta) if delta else 0.0
    found = 0
    for seed in range(trials):
        base, other = draw_systems(seed, queries, [0.0, shift])
        p = paired.randomisation_p(
            (other - base).tolist(), permutations=PERMUTATIONS, seed=_apart(seed)
        )
        found += p <= ALPHA
    return found / trials


def share_with_an_error(systems: int, queries: int, trials: int) -> tuple[float, float]:
    """How often any of these equal systems is called different: of all pairs, and of the first."""
    left, right = np.triu_indices(systems, 1)
    of_pairs = of_first = 0
    for seed in range(trials):
        values = draw_systems(seed, queries, [0.0] * systems)
        p = paired.pairwise_p(values, permutations=PERMUTATIONS, seed=_apart(seed))
        of_pairs += min(paired.holm(p[left, right].tolist())) <= ALPHA
        of_first += min(paired.holm(p[0, 1:].tolist())) <= ALPHA
    return of_pairs / trials, of_first / trials


def share_covered(queries: int, delta: float, trials: int) -> tuple[float, float]:
    """How often 95 % intervals hold the true mean, and the true difference."""
    shifts = [0.0, shift_for(delta)]
    mean, apart = true_mean(0.0), true_mean(shifts[1]) - true_mean(0.0)
    means = differences = 0
    for seed in range(trials):
        base, other = paired.bootstrap_means(
            draw_systems(seed, queries, shifts), resamples=RESAMPLES, seed=_apart(seed)
        )
        of_mean = paired.percentile_interval(base)
        of_difference = paired.percentile_interval(other - base)
        means += of_mean.low <= mean <= of_mean.high
        differences += of_difference.low <= apart <= of_difference.high
    return means / trials, differences / trials


def _apart(seed: int) -> int:
    """Another seed: values and signs must not come from the same random bits."""
    return _SEED + 1 + seed


def realism() -> dict[str, float]:
    """What the made values are like, to be held against measured ones."""
    base, other = draw_systems(_SEED, _POPULATION, [0.0, 0.0])
    return {
        "mean": float(base.mean()),
        "zeros": float((base == 0).mean()),
        "ones": float((base == 1).mean()),
        "ties": float((base == other).mean()),
        "sd_of_differences": float((base - other).std()),
    }


def error_of(share: float, trials: int) -> float:
    """Standard error of a share of so many trials."""
    return math.sqrt(share * (1 - share) / trials)


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=4000, help="where nothing differs")
    parser.add_argument("--power-trials", type=int, default=500, help="for each true difference")
    options = parser.parse_args()
    trials, power_trials = options.trials, options.power_trials
    common.terminal.note("two equal systems")
    alone = {queries: share_different(queries, 0.0, trials) for queries in QUERIES}
    common.terminal.note("several equal systems")
    several = {systems: share_with_an_error(systems, 300, trials) for systems in SYSTEMS}
    common.terminal.note("intervals")
    covered = {queries: share_covered(queries, 0.02, trials) for queries in QUERIES[:-1]}
    common.terminal.note("power")
    power = {
        delta: {queries: share_different(queries, delta, power_trials) for queries in QUERIES}
        for delta in DELTAS
    }
    made = realism()
    shares = [*alone.values(), *(share for pair in several.values() for share in pair)]
    holds = all(share <= ALPHA + 2 * error_of(ALPHA, trials) for share in shares)
    text = f"""# Significance by simulation

Two systems whose true difference is known answer made queries; `rerankbench` tests them with
{PERMUTATIONS:,} permutations. The values are near to those of SciFact, where BM25 and a small
cross-encoder have:

| | made | SciFact |
| :-- | --: | --: |
| mean nDCG@10 | {made["mean"]:.2f} | 0.68 |
| queries with 0 | {made["zeros"]:.0%} | 18% |
| queries with 1 | {made["ones"]:.0%} | 53% |
| queries on which two systems tie | {made["ties"]:.0%} | 63% |
| standard deviation of their differences | {made["sd_of_differences"]:.2f} | 0.25 |

## Equal systems called different at 5 %

{_table("queries", ("called different",), {n: (share,) for n, share in alone.items()})}

Of several equal systems, any called different after Holm (300 queries):

{_table("systems", ("of all pairs", "of the pairs with the first"), several)}

{trials:,} trials each: a share of 5 % is known to ± {2 * error_of(ALPHA, trials):.1%},
two standard errors. At most 5 % within that: {common.verdict(holds)}.

## True value inside the 95 % interval

{_table("queries", ("of a mean", "of a difference of 0.02"), covered)}

## Systems that differ called different (power)

The true difference of the means of nDCG@10, and how often one test at 5 % finds it;
{power_trials} trials each, ± {2 * error_of(0.5, power_trials):.0%} at most.

{_power_table(power)}"""
    raw = {
        "made_values": made,
        "permutations": PERMUTATIONS,
        "resamples": RESAMPLES,
        "trials": trials,
        "power_trials": power_trials,
        "two_equal_called_different": alone,
        "any_of_several_equal_called_different": several,
        "covered": covered,
        "power": power,
        "verdict": common.verdict(holds),
    }
    common.save("significance", raw, text)


def _table(head: str, names: Sequence[str], shares: Mapping[int, Sequence[float]]) -> str:
    """One column for each number of queries or systems, one row for each kind of share."""
    heads = (head, *(f"{number:,}" for number in shares))
    return common.table(
        heads,
        [[name, *(f"{one[at]:.1%}" for one in shares.values())] for at, name in enumerate(names)],
    )


def _power_table(shares: Mapping[float, Mapping[int, float]]) -> str:
    heads = ("true difference", *(f"{queries:,} queries" for queries in QUERIES))
    return common.table(
        heads,
        [
            [f"{delta:.3f}", *(f"{share:.0%}" for share in row.values())]
            for delta, row in shares.items()
        ],
    )


if __name__ == "__main__":
    main()
