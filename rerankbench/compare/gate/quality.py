"""Quality before and after: non-inferiority with a margin, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, TypeAlias

from rerankbench.compare.gate.cells import CellName, Change
from rerankbench.compare.gate.signs import signs
from rerankbench.stats import noninferiority, paired
from rerankbench.types import Record

Outcome: TypeAlias = Literal["same", "passed", "failed", "unclear", "refused"]
"""`same`: every query has the value it had. `unclear`: too few queries to tell. `refused`: the
two do not compare."""
ALPHA = 0.01
"""At most so often does a gate fail where nothing is truly worse."""
_WORST = 10
# Random sign patterns for each verdict of a gate, or no p adjusted for all of them could be small.
_PATTERNS_A_TEST = 100
_MOST_PATTERNS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDrop:
    """One query's value before and after."""

    query_id: str
    base: float
    new: float

    @property
    def drop(self) -> float:
        """Base less new."""
        return self.base - self.new


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityVerdict:
    """One cell and metric: `drop` is base less new, of the mean.

    `bound` is the one-sided 95 % bound of the drop, `holm_p` the one-sided p of a drop, adjusted
    for all cells and metrics of the gate, `detectable` the least drop that so many queries show in
    95 of 100 cases. `worst` are the queries that lost most, `signs` what tells that a change is no
    chance. `why` says in words what decided.
    """

    name: CellName
    metric: str
    margin: float
    outcome: Outcome
    why: str
    queries: int = 0
    base: float | None = None
    new: float | None = None
    drop: float | None = None
    bound: float | None = None
    detectable: float | None = None
    p: float | None = None
    holm_p: float | None = None
    worst: tuple[QueryDrop, ...] = ()
    signs: tuple[str, ...] = ()


def judge(
    changes: Sequence[Change],
    drops: Mapping[str, float],
    *,
    permutations: int = paired.PERMUTATIONS,
    resamples: int = paired.RESAMPLES,
) -> tuple[QualityVerdict, ...]:
    """A verdict for every cell and metric with a margin.

    A cell passes when the one-sided 95 % bound of its drop is within the margin. It fails when the
    bound is beyond, the mean dropped, and that is no chance: p is at most `ALPHA` after Holm, or
    there are signs. Where nothing is truly worse, so one gate in a hundred fails at most, however
    many cells it has. Otherwise the queries are too few to tell. Where the detectable drop is
    within the margin they are enough: any drop whose bound is beyond is then no chance.
    """
    compared = [_compared(change, metric, drops[metric]) for change in changes for metric in drops]
    tests = [lost for _, lost in compared if lost]
    permutations = max(permutations, min(_PATTERNS_A_TEST * len(tests), _MOST_PATTERNS))
    p_values = [noninferiority.p_of_drop(lost, permutations=permutations) for lost in tests]
    chances = zip(p_values, paired.holm(p_values), strict=True)
    found = []
    for verdict, lost in compared:
        if lost:
            p, holm_p = next(chances)
            bound = noninferiority.upper_bound(lost, resamples=resamples)
            detectable = noninferiority.detectable(lost, alpha=ALPHA / len(tests))
            verdict = replace(verdict, bound=bound, detectable=detectable, p=p, holm_p=holm_p)
            verdict = _decided(verdict)
        found.append(verdict)
    return tuple(found)


def _compared(change: Change, metric: str, margin: float) -> tuple[QualityVerdict, list[float]]:
    """Both means, and what every query lost: nothing where that needs no test."""
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
        drop=fmean(lost),
        worst=_worst(base, new),
        signs=signs(change.base, change.new),
    )
    if not any(lost):
        return replace(verdict, outcome="same", why="every query has the value it had"), []
    return verdict, lost


def _values(record: Record, metric: str) -> Mapping[str, float] | None:
    return record.per_query.get(metric)


def _worst(base: Mapping[str, float], new: Mapping[str, float]) -> tuple[QueryDrop, ...]:
    found = [
        QueryDrop(query_id=query, base=base[query], new=new[query])
        for query in base
        if new[query] < base[query]
    ]
    return tuple(sorted(found, key=lambda each: (-each.drop, each.query_id))[:_WORST])


def _decided(verdict: QualityVerdict) -> QualityVerdict:
    drop, bound, p = (value or 0.0 for value in (verdict.drop, verdict.bound, verdict.holm_p))
    if bound <= verdict.margin:
        why = "a drop within the margin" if drop > 0 else "no drop"
        return replace(verdict, outcome="passed", why=why)
    if p <= ALPHA:
        return replace(verdict, outcome="failed", why="a drop beyond the margin")
    told = f": {'; '.join(verdict.signs)}" if verdict.signs else ""
    if drop > 0 and verdict.signs:
        return replace(verdict, outcome="failed", why=f"a drop that is no chance{told}")
    return replace(verdict, outcome="unclear", why=f"too few queries to tell{told}")
