"""What other tools may make of a run: each way in which its figures would not be ours.

docs/interoperability.md has the table of the ways; here are those that change the figures at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rerankbench import candidates, quality
from rerankbench.protocols import Metric
from rerankbench.types import Qrels, Ranking, Ties

_DIGITS = 4
_MOST_NAMED = 3


def differences(
    qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric]
) -> Iterator[str]:
    """A line for each way in which the figures of these rankings may differ in another tool."""
    for describe in (_of_ties, _of_identical_ids, _of_unanswered):
        line = describe(qrels, rankings, metrics)
        if line is not None:
            yield line


def _of_ties(qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric]) -> str | None:
    """Ties fall by document id falling here; in ranx and ir_measures' RR@k they do not."""
    ranges = {
        metric.name: ties
        for metric in metrics
        if (ties := quality.tie_audit(qrels, rankings, metric)) is not None and _differ(ties)
    }
    if not ranges:
        return None
    widest = sorted(ranges, key=lambda name: ranges[name].worst - ranges[name].best)[:_MOST_NAMED]
    means = _means(qrels, rankings, [each for each in metrics if each.name in widest])
    shown = ", ".join(
        f"{name} {means[name]:.4f} here, {ranges[name].worst:.4f} to {ranges[name].best:.4f}"
        for name in widest
    )
    rate = next(iter(ranges.values())).rate
    return f"{rate:.1%} of neighbouring scores tie, and tools order ties otherwise: {shown}"


def _of_identical_ids(
    qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric]
) -> str | None:
    """BEIR's evaluation drops a document with the query's own id unless it is told not to."""
    kept = [candidates.cut(each, max(1, len(each.hits)), drop_own_id=True) for each in rankings]
    dropped = sum(
        len(before.hits) - len(after.hits) for before, after in zip(rankings, kept, strict=True)
    )
    change = _first_change(qrels, rankings, kept, metrics) if dropped else None
    if change is None:
        return None
    return (
        f"{dropped} documents have their query's own id and BEIR's evaluation drops them: {change}"
    )


def _of_unanswered(
    qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric]
) -> str | None:
    """pytrec_eval, BEIR and trectools make the mean of the queries that have results."""
    answered = {each.query_id for each in rankings if each.hits}
    fewer = {query: grades for query, grades in qrels.items() if query in answered}
    if len(fewer) == len(qrels) or not fewer:
        return None
    metric = metrics[0]
    here, there = (_means(each, rankings, [metric])[metric.name] for each in (qrels, fewer))
    if f"{here:.{_DIGITS}f}" == f"{there:.{_DIGITS}f}":
        return None
    return (
        f"{len(qrels) - len(fewer)} queries without results count as 0 here, and not at all in "
        f"the means of BEIR, trectools and trec_eval without -c: {metric.name} {here:.4f} here, "
        f"{there:.4f} there"
    )


def _first_change(
    qrels: Qrels, ours: Sequence[Ranking], theirs: Sequence[Ranking], metrics: Sequence[Metric]
) -> str | None:
    """`nDCG@10 0.5000 here, 0.2500 there` of the first metric that shows a difference."""
    here, there = _means(qrels, ours, metrics), _means(qrels, theirs, metrics)
    for name, value in here.items():
        if f"{value:.{_DIGITS}f}" != f"{there[name]:.{_DIGITS}f}":
            return f"{name} {value:.4f} here, {there[name]:.4f} there"
    return None


def _means(
    qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric]
) -> Mapping[str, float]:
    values = quality.evaluate(qrels, rankings, metrics)
    return {name: sum(each.values()) / len(each) for name, each in values.items()}


def _differ(ties: Ties) -> bool:
    return f"{ties.worst:.{_DIGITS}f}" != f"{ties.best:.{_DIGITS}f}"
