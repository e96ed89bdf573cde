"""Quality before and after: non-inferiority with a margin, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal, TypeAlias

from rerankbench.compare.gate.cells import CellName, Change
from rerankbench.stats import noninferiority, paired
from rerankbench.types import Record

Outcome: TypeAlias = Literal["same", "passed", "failed", "unclear", "refused"]
"""`same`: every query has the value it had. `unclear`: too few queries to tell. `refused`: the
two do not compare."""
ALPHA = 0.05
_WORST = 10


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

    `bound` is the one-sided 95 % bound of the drop, `detectable` the least drop that so many
    queries tell from none in four of five cases, `holm_p` the one-sided p of a drop, adjusted for
    all cells and metrics of the gate. `worst` are the queries that lost most. `why` says in words
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
    drop: float | None = None
    bound: float | None = None
    detectable: float | None = None
    p: float | None = None
    holm_p: float | None = None
    worst: tuple[QueryDrop, ...] = ()


def judge(changes: Sequence[Change], drops: Mapping[str, float]) -> tuple[QualityVerdict, ...]:
    """A verdict for every cell and metric with a margin.

    A cell fails when the one-sided 95 % bound of its drop exceeds the margin and its mean dropped:
    the drop is not shown to be harmless. Where so few queries could not show it for any change
    (the detectable effect exceeds the margin), it fails only if the drop itself is significant
    after Holm, and is `unclear` otherwise.
    """
    measured = [_measured(change, metric, drops[metric]) for change in changes for metric in drops]
    tested = [at for at, verdict in enumerate(measured) if verdict.p is not None]
    adjusted = paired.holm([measured[at].p or 0.0 for at in tested])
    for at, p in zip(tested, adjusted, strict=True):
        measured[at] = _decided(replace(measured[at], holm_p=p))
    return tuple(measured)


def _measured(change: Change, metric: str, margin: float) -> QualityVerdict:
    """The figures of one cell; what needs no test is decided already."""
    verdict = QualityVerdict(
        name=change.name, metric=metric, margin=margin, outcome="refused", why=""
    )
    if change.changed:
        return replace(verdict, why=f"not the same task: {', '.join(change.changed)} changed")
    base, new = _values(change.base, metric), _values(change.new, metric)
    if base is None or new is None:
        side = "base" if base is None else "new"
        return replace(verdict, why=f"{metric} is not in the {side} record; run it with --metric")
    if base.keys() != new.keys():
        return replace(verdict, why="the two records hold values of different queries")
    queries = sorted(base)
    drops = [base[query] - new[query] for query in queries]
    verdict = replace(
        verdict,
        queries=len(queries),
        base=fmean(base.values()),
        new=fmean(new.values()),
        drop=fmean(drops),
    )
    if not any(drops):
        return replace(verdict, outcome="same", why="every query has the value it had")
    return replace(
        verdict,
        bound=noninferiority.upper_bound(drops),
        detectable=noninferiority.detectable(drops),
        p=noninferiority.p_of_drop(drops),
        worst=_worst(base, new),
    )


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
    drop, bound = verdict.drop or 0.0, verdict.bound or 0.0
    detectable, p = verdict.detectable or 0.0, verdict.holm_p or 0.0
    if drop <= 0:
        return replace(verdict, outcome="passed", why="no drop")
    if bound <= verdict.margin:
        return replace(verdict, outcome="passed", why="a drop within the margin")
    if detectable <= verdict.margin or p <= ALPHA:
        return replace(verdict, outcome="failed", why="a drop beyond the margin")
    return replace(verdict, outcome="unclear", why="too few queries to tell")
