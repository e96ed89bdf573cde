"""Tests which differences between records of one task are real: intervals, tiers, ranks, p.

Two families of tests, each with its own Holm correction: every system against the first stage,
which a reranker is meant to improve; and every pair of systems, for tiers and rank ranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rerankbench.errors import UsageError
from rerankbench.results import derived, grouping
from rerankbench.stats import paired
from rerankbench.stats.letters import letters
from rerankbench.stats.paired import Interval
from rerankbench.types import Record

Reference: TypeAlias = Literal["first_stage", "best"] | Record
_Floats: TypeAlias = NDArray[np.float64]
ALPHA = 0.05
"""Differences with an adjusted p up to this are significant."""
CONFIDENCE = 0.95
# Enough sign patterns for the least p after Holm to be 0.005; from 500 pairs on there are no
# more, and up to 4,999 pairs the least p stays below 0.05.
_PATTERNS_A_PAIR, _MOST_PATTERNS = 200, 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference of a system and the reference, over the same queries.

    `p` is that of this single test, `holm_p` adjusted for its family. `effect` is the mean
    difference in standard deviations of the differences; None where it has no meaning.
    """

    delta: float
    interval: Interval | None
    p: float
    holm_p: float
    effect: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSignificance:
    """The test results of one record among those of its task.

    `tier` shares a letter with every system that it does not differ from; `ranks` are
    the best and worst rank that the tests leave open. Both are blank for untested records,
    and for a single tested one; `against` also for the reference itself. `interval` is None for
    a single query.
    """

    record: Record
    mean: float
    interval: Interval | None
    tier: str = ""
    ranks: tuple[int, int] | None = None
    against: Difference | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Significance:
    """Results in the order of the records, and how they were computed.

    `tests` counts those against the reference, `pairs` those behind tiers and ranks.
    """

    metric: str
    queries: int
    standings: tuple[SystemSignificance, ...]
    reference: Record | None
    tests: int
    pairs: int
    permutations: int
    resamples: int
    seed: int


def is_tested(record: Record) -> bool:
    """Whether it is tested: a model, or the first stage, which is what one has without a model.

    The oracle is a bound and random a floor; nobody chooses between them and a model, and every
    test more makes all others weaker.
    """
    return derived.is_first_stage(record) or not derived.is_baseline(record)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairTests:
    """Tests of all pairs of the tested systems, which stand first in `order`, best first.

    `values` are systems in that order × queries. `p` are as they are, `of_pairs` adjusted for all
    pairs. A single system is not tested: it has no rank among others.
    """

    order: Sequence[Record]
    values: _Floats
    tested: Sequence[Record]
    p: _Floats
    of_pairs: _Floats
    permutations: int

    def against(self, base: int) -> _Floats:
        """P adjusted for the tests of one system against all others: its row; 1 elsewhere."""
        return _adjusted_from(self.p, base)


def pair_tests(
    records: Sequence[Record],
    metric: str,
    *,
    permutations: int = paired.PERMUTATIONS,
    seed: int = paired.SEED,
) -> PairTests:
    """The tests behind `significance`, without intervals. Raises UsageError as it does."""
    order = sorted(records, key=lambda record: _place(record, metric))
    values = _values(order, metric)
    tested = [record for record in order if is_tested(record)]
    tested = tested if len(tested) > 1 else []
    pairs = len(tested) * (len(tested) - 1) // 2
    permutations = max(permutations, min(_PATTERNS_A_PAIR * pairs, _MOST_PATTERNS))
    p = paired.pairwise_p(values[: len(tested)], permutations=permutations, seed=seed)
    return PairTests(
        order=order,
        values=values,
        tested=tested,
        p=p,
        of_pairs=_adjusted(p),
        permutations=permutations,
    )


def significance(
    records: Sequence[Record],
    metric: str,
    *,
    reference: Reference = "first_stage",
    permutations: int = paired.PERMUTATIONS,
    resamples: int = paired.RESAMPLES,
    seed: int = paired.SEED,
) -> Significance:
    """What the values per query of one task's records say about their means.

    The result does not depend on the order of records and queries. With many systems more
    permutations are drawn than requested, as otherwise no adjusted p could be small.

    Args:
        records: of one task, at least one; each with the metric, one for each system.
        metric: its name in the records, such as `nDCG@10`.
        reference: what to count differences from: the first stage's own order, if it is there, or
            the system with the highest mean, or one of the records. As the best one is only known
            afterwards, its p are adjusted for all pairs.
        permutations: random sign patterns a test, where there are too many to try all.
        resamples: bootstrap samples of the queries.
        seed: of both.

    Raises UsageError where tasks, queries or metrics differ.
    """
    tests = pair_tests(records, metric, permutations=permutations, seed=seed)
    order, values, tested, p = tests.order, tests.values, tests.tested, tests.p
    different = (tests.of_pairs <= ALPHA).tolist()
    base = _base(tested, reference)
    # The best is only known afterwards, so its tests belong to the family of all pairs.
    adjusted = tests.of_pairs if base is None or reference == "best" else tests.against(base)
    sample = _Sample(
        values=values, means=paired.bootstrap_means(values, resamples=resamples, seed=seed)
    )
    standings = {
        id(record): SystemSignificance(
            record=record,
            mean=fmean(values[at]),
            interval=sample.interval(sample.means[at]),
        )
        for at, record in enumerate(order)
    }
    for at, (record, tier) in enumerate(zip(tested, letters(different), strict=True)):
        against = (
            None
            if base in (None, at)
            else sample.difference(at, base, float(p[base, at]), float(adjusted[base, at]))
        )
        standings[id(record)] = replace(
            standings[id(record)], tier=tier, ranks=_ranks(different, at), against=against
        )
    return Significance(
        metric=metric,
        queries=values.shape[1],
        standings=tuple(standings[id(record)] for record in records),
        reference=None if base is None else tested[base],
        tests=0 if base is None else len(tested) - 1,
        pairs=len(tested) * (len(tested) - 1) // 2,
        permutations=tests.permutations,
        resamples=resamples,
        seed=seed,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    """Systems × queries: the values; systems × resamples: their bootstrapped means."""

    values: _Floats
    means: _Floats

    def interval(self, means: _Floats) -> Interval | None:
        # One query says nothing about how others would have come out.
        alone = self.values.shape[1] < 2
        return None if alone else paired.percentile_interval(means, confidence=CONFIDENCE)

    def difference(self, at: int, base: int, p: float, holm_p: float) -> Difference:
        return Difference(
            delta=fmean(self.values[at]) - fmean(self.values[base]),
            interval=self.interval(self.means[at] - self.means[base]),
            p=p,
            holm_p=holm_p,
            effect=paired.effect_size(self.values[at] - self.values[base]),
        )


def _place(record: Record, metric: str) -> tuple[bool, float, str, tuple[str, ...]]:
    """A sort key: tested records first, the best first, ties by name."""
    mean = record.mean(metric) or 0.0
    return not is_tested(record), -mean, record.cell.reranker.name, grouping.age(record)


def _values(records: Sequence[Record], metric: str) -> _Floats:
    """Systems × queries, the queries by id."""
    if len({record.task for record in records}) > 1:
        raise UsageError("only records of one collection, first stage and depth compare by query")
    queries = sorted(records[0].per_query.get(metric, ()))
    for record in records:
        if not queries or sorted(record.per_query.get(metric, ())) != queries:
            name = record.cell.reranker.name
            raise UsageError(f"'{name}' has no values of {metric} for the same queries as others")
    return np.array(
        [[record.per_query[metric][query_id] for query_id in queries] for record in records]
    )


def _adjusted(p: _Floats) -> _Floats:
    """Holm over all pairs; 1 on the diagonal."""
    left, right = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[left, right] = adjusted[right, left] = paired.holm(p[left, right].tolist())
    return adjusted


def _base(tested: Sequence[Record], reference: Reference) -> int | None:
    """The index of the reference among the tested (best first); None if it is missing."""
    if reference == "best":
        return 0 if tested else None
    if reference == "first_stage":
        return next((at for at, one in enumerate(tested) if derived.is_first_stage(one)), None)
    return next((at for at, record in enumerate(tested) if record is reference), None)


def _adjusted_from(p: _Floats, base: int) -> _Floats:
    """Holm's correction over the tests of one system against all others: its row; 1 elsewhere."""
    others = [at for at in range(len(p)) if at != base]
    adjusted = np.ones_like(p)
    adjusted[base, others] = paired.holm(p[base, others].tolist())
    return adjusted


def _ranks(different: Sequence[Sequence[bool]], at: int) -> tuple[int, int]:
    """The best and the worst possible rank of a system; systems stand best first."""
    return 1 + sum(different[at][:at]), len(different) - sum(different[at][at + 1 :])
