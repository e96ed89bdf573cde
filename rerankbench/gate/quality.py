"""Quality before and after: non-inferiority with a margin, query by query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, TypeAlias

from rerankbench.gate.cells import CellName, Change
from rerankbench.gate.evidence import signs
from rerankbench.results import derived
from rerankbench.stats import noninferiority, paired
from rerankbench.types import Record

Outcome: TypeAlias = Literal["same", "passed", "failed", "unclear", "refused"]
"""`same`: every query's value is unchanged. `unclear`: too few queries to tell. `refused`: the
two do not compare."""
ALPHA = 0.01
"""The probability that a gate fails although nothing is truly worse is at most this."""
LEAST_FOR_BOUND = noninferiority.fewest(1 - noninferiority.CONFIDENCE)
"""Fewer queries give no 95 % bound of a drop: with n queries, all of them move less than usual in
one of 2ⁿ cases."""
_WORST = 10
# Means that differ by less differ by rounding alone.
_ROUNDING = 1e-9
# Random sign patterns for each test of a gate; with fewer, no p could be small after Holm.
_PATTERNS_A_TEST = 100
_MOST_PATTERNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryChange:
    """One query's value before and after; `text` is None where it was not kept or looked up."""

    query_id: str
    base: float
    new: float
    text: str | None = None

    @property
    def difference(self) -> float:
        """New less base."""
        return self.new - self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityVerdict:
    """One cell and metric: `difference` is new less base, of the mean; negative is worse.

    `lower_bound` is the one-sided 95 % bound of the difference, `holm_p` the one-sided p of a
    drop, adjusted for all cells and metrics of the gate, `needs` the fewest queries that can show
    any drop of one cell in such a gate, `detectable` the size of the least drop that so many
    queries as these show in 95 of 100 cases: None where they are fewer than that. `worst` are the
    queries that lost most, `signs` what points to a fault besides the values. `why` says in words
    what decided.
    """

    name: CellName
    metric: str
    margin: float
    outcome: Outcome
    why: str
    queries: int = 0
    base: float | None = None
    new: float | None = None
    difference: float | None = None
    lower_bound: float | None = None
    detectable: float | None = None
    needs: int | None = None
    p: float | None = None
    holm_p: float | None = None
    worst: tuple[QueryChange, ...] = ()
    signs: tuple[str, ...] = ()


def judge(
    changes: Sequence[Change],
    drops: Mapping[str, float],
    *,
    permutations: int = paired.PERMUTATIONS,
    resamples: int = paired.RESAMPLES,
) -> tuple[QualityVerdict, ...]:
    """A verdict for every cell and metric with a margin.

    A cell passes when its mean rose, or the one-sided 95 % bound of the difference is within the
    margin. It fails when the bound is beyond, the mean fell, and p is at most `ALPHA` after Holm
    or there are signs of a fault. Where nothing is truly worse, at most one gate in a hundred
    fails by p, however many cells it has. Otherwise the queries are too few to tell. Where the
    detectable drop is within the margin they are enough: any drop whose bound is beyond is then
    significant. Fewer than `LEAST_FOR_BOUND` queries bound nothing.
    """
    compared = [_compared(change, metric, drops[metric]) for change in changes for metric in drops]
    tests = [lost for _, lost in compared if lost]
    permutations = max(permutations, _patterns(len(tests)))
    alone = ALPHA / max(1, len(tests))
    p_values = [noninferiority.p_of_drop(lost, permutations=permutations) for lost in tests]
    chances = zip(p_values, paired.holm(p_values), strict=True)
    verdicts = []
    for verdict, lost in compared:
        if lost:
            p, holm_p = next(chances)
            verdict = replace(
                verdict,
                lower_bound=_lower_bound(lost, resamples),
                detectable=_detectable(verdict, lost, alone),
                needs=noninferiority.fewest(alone),
                p=p,
                holm_p=holm_p,
            )
            verdict = _decided(verdict, changed=sum(loss != 0 for loss in lost))
        verdicts.append(verdict)
    return tuple(verdicts)


def _patterns(tests: int) -> int:
    """Enough for the least p of these tests, 1 / 2(n + 1), to be at most `ALPHA` after Holm."""
    return max(min(_PATTERNS_A_TEST * tests, _MOST_PATTERNS), math.ceil(tests / (2 * ALPHA)))


def _detectable(verdict: QualityVerdict, lost: Sequence[float], alpha: float) -> float | None:
    """None also where no mean could drop that far, since values of metrics are at least 0."""
    least = noninferiority.detectable(lost, alpha=alpha)
    return None if least is None or least > (verdict.base or 0.0) else least


def _lower_bound(lost: Sequence[float], resamples: int) -> float | None:
    if len(lost) < LEAST_FOR_BOUND:
        return None
    return 0.0 - noninferiority.upper_bound(lost, resamples=resamples)


def _compared(change: Change, metric: str, margin: float) -> tuple[QualityVerdict, list[float]]:
    """The verdict with both means, and the loss of every query; none where no test is needed."""
    metric = derived.metric_in(change.base, metric)
    verdict = QualityVerdict(
        name=change.name, metric=metric, margin=margin, outcome="refused", why=""
    )
    if change.changed:
        why = f"not the same task: {', '.join(change.changed)} changed"
        return replace(verdict, why=why), []
    base, new = _values(change.base, metric), _values(change.new, metric)
    if base is None or new is None:
        side = "base" if base is None else "new"
        why = f"{metric} is not in the {side} record; run it with --metric"
        return replace(verdict, why=why), []
    if base.keys() != new.keys():
        return replace(verdict, why="the two records hold values of different queries"), []
    lost = [base[query] - new[query] for query in sorted(base)]
    verdict = replace(
        verdict,
        queries=len(lost),
        base=fmean(base.values()),
        new=fmean(new.values()),
        difference=0.0 - fmean(lost),
        worst=_worst(base, new),
        signs=signs(change.base, change.new),
    )
    if not any(lost):
        return replace(verdict, outcome="same", why="every query's value is unchanged"), []
    return verdict, lost


def _values(record: Record, metric: str) -> Mapping[str, float] | None:
    return record.per_query.get(metric)


def _worst(base: Mapping[str, float], new: Mapping[str, float]) -> tuple[QueryChange, ...]:
    drops = [
        QueryChange(query_id=query, base=base[query], new=new[query])
        for query in base
        if new[query] < base[query]
    ]
    return tuple(sorted(drops, key=lambda query: (query.difference, query.query_id))[:_WORST])


def _decided(verdict: QualityVerdict, *, changed: int) -> QualityVerdict:
    difference, p = (value or 0.0 for value in (verdict.difference, verdict.holm_p))
    if verdict.lower_bound is not None and verdict.lower_bound >= -verdict.margin:
        why = "the drop is within the margin" if difference < -_ROUNDING else "no drop"
        return replace(verdict, outcome="passed", why=why)
    if difference > _ROUNDING:
        why = "no drop; too few queries to rule one out"
        return replace(verdict, outcome="passed", why=why)
    if p <= ALPHA:
        why = "the drop exceeds the margin and is statistically significant"
        return replace(verdict, outcome="failed", why=why)
    if difference >= -_ROUNDING:
        why = "the mean is the same, but too few queries to rule out a drop"
        return replace(verdict, outcome="unclear", why=why)
    if verdict.signs:
        return replace(verdict, outcome="failed", why="; ".join(verdict.signs))
    why = f"the drop may be chance: too few queries to tell{_too_few(verdict, changed)}"
    return replace(verdict, outcome="unclear", why=why)


def _too_few(verdict: QualityVerdict, changed: int) -> str:
    """How many it takes, where so few queries can make no drop significant."""
    needs = verdict.needs or 0
    if verdict.queries < needs:
        return f" ({verdict.queries} cannot make any drop significant; it takes {needs})"
    if changed < needs:
        return f" (only {changed} of {verdict.queries} changed; it takes {needs})"
    return ""
