"""How many times slower: a ratio of times that were measured in turn, and its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.stats import order, signed_rank

DRIFT = 1.25
"""So many times slower may one and the same program be on one machine at another time: 1.23 was
measured on an idle one (docs/gate-evidence.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """New ÷ base: 1.2 took a fifth more. `low` and `high` enclose it; None where they cannot."""

    median: float
    low: float | None
    high: float | None


def paired(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of values that were measured in turn, pair by pair.

    What drifts slowly touches both of a pair and cancels. Were base and new one and the same, each
    ratio could as well be its inverse, so that logarithms of ratios scatter evenly about that of
    the true one: what the signed-rank interval asks for. It needs six pairs for 95 %. `median` is
    Hodges and Lehmann's. Raises ValueError for unequal or no pairs.
    """
    logs = [math.log(after / before) for before, after in zip(base, new, strict=True)]
    low, high = signed_rank.interval(logs) or (None, None)
    return Ratio(
        median=math.exp(signed_rank.estimate(logs)),
        low=None if low is None else math.exp(low),
        high=None if high is None else math.exp(high),
    )


def in_rounds(base: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> Ratio:
    """The same from rounds of pairs: a round counts once, with the estimate from its own pairs.

    Pairs of a round share what their processes had of luck; rounds do not.
    """
    rounds = [paired(*each).median for each in zip(base, new, strict=True)]
    return paired([1.0] * len(rounds), rounds)


def apart(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of medians of values measured apart, each set by itself.

    Its bounds are the ranges', the least of the new by the greatest of the base and the reverse,
    widened by `DRIFT`: what a machine did between the two no repetition within one of them shows.
    """
    return Ratio(
        median=order.median(new) / order.median(base),
        low=min(new) / max(base) / DRIFT,
        high=max(new) / min(base) * DRIFT,
    )
