"""Ratios of times that were measured in turn, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.stats import order, signed_rank

DRIFT = 1.25
"""How many times slower the same program may be on the same machine at another time: 1.23 was
measured on an idle one (docs/gate-evidence.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """New ÷ base: 1.2 took a fifth more. `low` and `high` enclose it; None where they cannot."""

    median: float
    low: float | None
    high: float | None


def paired(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of values that were measured in turn, pair by pair.

    Slow drift affects both of a pair and cancels. If base and new were the same, each
    ratio could as well be its inverse, so that logarithms of ratios scatter evenly around that of
    the true one: as the signed-rank interval requires. It needs six pairs for 95 %. `median` is
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

    Pairs of a round share the random conditions of their processes; rounds do not.
    """
    rounds = [paired(*passes).median for passes in zip(base, new, strict=True)]
    return paired([1.0] * len(rounds), rounds)


def apart(base: Sequence[float], new: Sequence[float]) -> Ratio:
    """The ratio of medians of two separately measured sets.

    Its bounds are those of the ranges: least new by greatest base, and the reverse,
    widened by `DRIFT`: repetitions within a set do not show changes of the machine between both.
    """
    return Ratio(
        median=order.median(new) / order.median(base),
        low=min(new) / max(base) / DRIFT,
        high=max(new) / min(base) * DRIFT,
    )
