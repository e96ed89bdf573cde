"""In which ways other tools' figures of a run would differ from ours.

docs/interoperability.md lists all ways; here are those that affect given figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

import numpy as np

from rerankbench.protocols import Metric
from rerankbench.run import candidates, quality
from rerankbench.types import Hit, Qrels, Ranking

_MOST_NAMED = 3
Values = Mapping[str, Mapping[str, float]]
"""Name of each metric → {query_id: value}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRun:
    """Rankings and our values for them, the headline metric first."""

    qrels: Qrels
    rankings: Sequence[Ranking]
    metrics: Sequence[Metric]
    values: Values

    def means(self, others: Sequence[Ranking] = ()) -> dict[str, float]:
        """The mean of every metric; rankings of some queries may be replaced by `others`."""
        # Only changed queries are evaluated again: runs of millions of lines are common.
        changed = {ranking.query_id for ranking in others}
        qrels = {query: grades for query, grades in self.qrels.items() if query in changed}
        new_values = quality.evaluate(qrels, others, self.metrics) if qrels else {}
        return {
            metric.name: fmean(
                {**self.values[metric.name], **new_values.get(metric.name, {})}.values()
            )
            for metric in self.metrics
        }


def differences(run: EvaluatedRun) -> Iterator[str]:
    """A line for each way in which the figures of these rankings may differ in another tool."""
    for describe in (_of_ties, _of_identical_ids, _of_unanswered):
        line = describe(run)
        if line is not None:
            yield line


def _of_ties(run: EvaluatedRun) -> str | None:
    """Ties are ordered by descending document id here; not in ranx and ir_measures' RR@k."""
    groups = {ranking.query_id: _groups(ranking) for ranking in run.rankings}
    neighbours = sum(max(0, len(ranking.hits) - 1) for ranking in run.rankings)
    tied = sum(len(group) - 1 for query_groups in groups.values() for group in query_groups)
    if not tied:
        return None
    ours, worst, best = (
        run.means(),
        *(run.means(list(_by_grade(run.qrels, groups, sign=sign))) for sign in (-1, 1)),
    )
    widths = {name: best[name] - worst[name] for name in ours if _differ(worst[name], best[name])}
    if not widths:
        return None
    shown = ", ".join(
        f"{name} {ours[name]:.4f} here, {worst[name]:.4f} to {best[name]:.4f}"
        for name in sorted(widths, key=lambda name: -widths[name])[:_MOST_NAMED]
    )
    rate = tied / neighbours
    return f"{rate:.1%} of neighbouring scores tie, and tools order ties differently: {shown}"


def _groups(ranking: Ranking) -> list[list[Hit]]:
    """The hits in order, grouped where trec_eval sees equal scores."""
    scores = np.array([hit.score for hit in ranking.hits], dtype=np.float64)
    with np.errstate(over="ignore"):  # Beyond float32 all scores are infinite, and tie.
        singles = scores.astype(np.float32).tolist()
    pairs = zip(singles, ranking.hits, strict=True)
    return [[hit for _, hit in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]


def _by_grade(
    qrels: Qrels, groups: Mapping[str, Sequence[Sequence[Hit]]], *, sign: int
) -> Iterator[Ranking]:
    """The rankings with ties, broken in favour of (1) or against (-1) the grades."""
    for query_id, query_groups in groups.items():
        if all(len(group) == 1 for group in query_groups):
            continue
        grades = qrels.get(query_id, {})
        ordered = [
            hit
            for group in query_groups
            for hit in sorted(group, key=lambda hit: -sign * max(0, grades.get(hit.doc_id, 0)))
        ]
        hits = (Hit(doc_id=hit.doc_id, score=float(-rank)) for rank, hit in enumerate(ordered))
        yield Ranking(query_id=query_id, hits=tuple(hits))


def _of_identical_ids(run: EvaluatedRun) -> str | None:
    """BEIR's evaluation drops a document with the query's own id by default."""
    trimmed = [
        candidates.cut(ranking, len(ranking.hits), drop_own_id=True)
        for ranking in run.rankings
        if ranking.query_id in ranking.scores()
    ]
    if not trimmed:
        return None
    ours, theirs = run.means(), run.means(trimmed)
    name = next((name for name in ours if _differ(ours[name], theirs[name])), None)
    if name is None:
        return None
    return (
        f"{len(trimmed)} documents have their query's own id, and BEIR's evaluation drops them: "
        f"{name} {ours[name]:.4f} here, {theirs[name]:.4f} there"
    )


def _of_unanswered(run: EvaluatedRun) -> str | None:
    """BEIR, trectools and trec_eval without -c average only over queries with results."""
    answered = {ranking.query_id for ranking in run.rankings if ranking.hits}
    name = run.metrics[0].name
    values = run.values[name]
    counted = [value for query, value in values.items() if query in answered]
    if not counted or len(counted) == len(values):
        return None
    ours, theirs = fmean(values.values()), fmean(counted)
    if not _differ(ours, theirs):
        return None
    return (
        f"{len(values) - len(counted)} queries without results count as 0 here, and not at all in "
        f"the means of BEIR, trectools and trec_eval without -c: {name} {ours:.4f} here, "
        f"{theirs:.4f} there"
    )


def _differ(a: float, b: float) -> bool:
    """Whether they differ in four decimals."""
    return f"{a:.4f}" != f"{b:.4f}"
