"""What other tools may make of a run: each way in which its figures would not be ours.

docs/interoperability.md has the table of the ways; here are those that change the figures at hand.
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
    """Rankings with our values of them, the headline metric first."""

    qrels: Qrels
    rankings: Sequence[Ranking]
    metrics: Sequence[Metric]
    values: Values

    def means(self, others: Sequence[Ranking] = ()) -> dict[str, float]:
        """Every metric's mean; some queries' rankings may be replaced by others."""
        # Only what changes is evaluated anew: runs of millions of lines are usual.
        changed = {each.query_id for each in others}
        qrels = {query: grades for query, grades in self.qrels.items() if query in changed}
        anew = quality.evaluate(qrels, others, self.metrics) if qrels else {}
        return {
            each.name: fmean({**self.values[each.name], **anew.get(each.name, {})}.values())
            for each in self.metrics
        }


def differences(run: EvaluatedRun) -> Iterator[str]:
    """A line for each way in which the figures of these rankings may differ in another tool."""
    for describe in (_of_ties, _of_identical_ids, _of_unanswered):
        line = describe(run)
        if line is not None:
            yield line


def _of_ties(run: EvaluatedRun) -> str | None:
    """Ties fall by document id falling here; in ranx and ir_measures' RR@k they do not."""
    groups = {each.query_id: _groups(each) for each in run.rankings}
    neighbours = sum(max(0, len(each.hits) - 1) for each in run.rankings)
    tied = sum(len(group) - 1 for each in groups.values() for group in each)
    if not tied:
        return None
    here, worst, best = (
        run.means(),
        *(run.means(list(_by_grade(run.qrels, groups, sign=sign))) for sign in (-1, 1)),
    )
    widths = {name: best[name] - worst[name] for name in here if _differ(worst[name], best[name])}
    if not widths:
        return None
    shown = ", ".join(
        f"{name} {here[name]:.4f} here, {worst[name]:.4f} to {best[name]:.4f}"
        for name in sorted(widths, key=lambda name: -widths[name])[:_MOST_NAMED]
    )
    rate = tied / neighbours
    return f"{rate:.1%} of neighbouring scores tie, and tools order ties otherwise: {shown}"


def _groups(ranking: Ranking) -> list[list[Hit]]:
    """The hits in their order, those together whose scores are one number to trec_eval."""
    scores = np.array([hit.score for hit in ranking.hits], dtype=np.float64)
    with np.errstate(over="ignore"):  # Beyond float32 all scores are infinite, and tie.
        singles = scores.astype(np.float32).tolist()
    pairs = zip(singles, ranking.hits, strict=True)
    return [[hit for _, hit in group] for _, group in groupby(pairs, key=lambda pair: pair[0])]


def _by_grade(
    qrels: Qrels, groups: Mapping[str, Sequence[Sequence[Hit]]], *, sign: int
) -> Iterator[Ranking]:
    """The rankings that hold ties, with these broken for (1) or against (-1) the grades."""
    for query_id, each in groups.items():
        if all(len(group) == 1 for group in each):
            continue
        grades = qrels.get(query_id, {})
        ordered = [
            hit
            for group in each
            for hit in sorted(group, key=lambda hit: -sign * max(0, grades.get(hit.doc_id, 0)))
        ]
        hits = (Hit(doc_id=hit.doc_id, score=float(-rank)) for rank, hit in enumerate(ordered))
        yield Ranking(query_id=query_id, hits=tuple(hits))


def _of_identical_ids(run: EvaluatedRun) -> str | None:
    """BEIR's evaluation drops a document with the query's own id unless it is told not to."""
    kept = [
        candidates.cut(each, len(each.hits), drop_own_id=True)
        for each in run.rankings
        if each.query_id in each.scores()
    ]
    if not kept:
        return None
    here, there = run.means(), run.means(kept)
    name = next((name for name in here if _differ(here[name], there[name])), None)
    if name is None:
        return None
    return (
        f"{len(kept)} documents have their query's own id, and BEIR's evaluation drops them: "
        f"{name} {here[name]:.4f} here, {there[name]:.4f} there"
    )


def _of_unanswered(run: EvaluatedRun) -> str | None:
    """BEIR, trectools and trec_eval without -c: the mean of the queries that have results."""
    answered = {each.query_id for each in run.rankings if each.hits}
    name = run.metrics[0].name
    values = run.values[name]
    counted = [value for query, value in values.items() if query in answered]
    if not counted or len(counted) == len(values):
        return None
    here, there = fmean(values.values()), fmean(counted)
    if not _differ(here, there):
        return None
    return (
        f"{len(values) - len(counted)} queries without results count as 0 here, and not at all in "
        f"the means of BEIR, trectools and trec_eval without -c: {name} {here:.4f} here, "
        f"{there:.4f} there"
    )


def _differ(a: float, b: float) -> bool:
    """Whether four digits show it."""
    return f"{a:.4f}" != f"{b:.4f}"
