"""What the candidates allow, how much of it a reranker reached, and how complete judgments are.

The metric plug-ins compute everything from a task's candidates and judgments, so it
compares with the record's own figures digit by digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench.protocols import Metric
from rerankbench.results.tasks import Task
from rerankbench.types import Ranking, Record

SAME = 1e-9
"""Differences up to this are rounding: sums in another order differ by less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedShare:
    """Mean share of judged documents among the first k, over the `queries` that have results.

    A query without results has no document that could be unjudged: it is counted in
    `without_results` only. `share` is None if there is no other query.
    """

    share: float | None
    queries: int
    without_results: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryMoves:
    """How many queries got worse, stayed equal or got better, compared with another order."""

    worse: int
    equal: int
    better: int

    @property
    def queries(self) -> int:
        return self.worse + self.equal + self.better


def first_stage_values(task: Task, metric: Metric) -> Mapping[str, float]:
    """The metric of the candidates in the first stage's order, for every judged query."""
    run = {topic.query_id: _falling(topic.candidates) for topic in task.topics}
    return metric.per_query(task.qrels(), run)


def ceiling(task: Task, metric: Metric) -> Mapping[str, float]:
    """The metric of the candidates in the best order, by grade, for every judged query.

    No reranker of these candidates exceeds it. It is below 1 where the first stage missed relevant
    documents: in nDCG, MAP and Recall they still count in the ideal ranking.
    """
    run = {
        topic.query_id: _falling(
            sorted(topic.candidates, key=lambda doc_id, of=topic.grades: -of.get(doc_id, 0))  # type: ignore[misc]
        )
        for topic in task.topics
    }
    return metric.per_query(task.qrels(), run)


def _falling(doc_ids: Sequence[str]) -> dict[str, float]:
    """Scores that count down to 1, so that none tie."""
    return {doc_id: float(len(doc_ids) - at) for at, doc_id in enumerate(doc_ids)}


def headroom_share(
    values: Mapping[str, float], first_stage: Mapping[str, float], best: Mapping[str, float]
) -> float | None:
    """(model − first stage) / (ceiling − first stage), of the means over the queries.

    1 is the best order of the candidates, 0 the first stage's own, negative is worse. None
    where the first stage left nothing to gain.
    """
    base = fmean(first_stage.values())
    room = fmean(best.values()) - base
    return (fmean(values.values()) - base) / room if room > SAME else None


def judged_at(task: Task, rankings: Sequence[Ranking], k: int) -> JudgedShare:
    """How many of the first k documents have a judgment for that very query, whatever its grade.

    A ranking with fewer than k documents counts as a whole. A document judged only for other
    queries counts as unjudged, while BEIR's `hole` counts it as judged.
    """
    grades = task.qrels()
    shares = []
    for ranking in rankings:
        first = ranking.hits[:k]
        if first and ranking.query_id in grades:
            known = grades[ranking.query_id]
            shares.append(sum(hit.doc_id in known for hit in first) / len(first))
    return JudgedShare(
        share=fmean(shares) if shares else None,
        queries=len(shares),
        without_results=len(grades) - len(shares),
    )


def moves(
    values: Mapping[str, float], base: Mapping[str, float], *, margin: float = SAME
) -> QueryMoves:
    """Count the queries of `base` that lost, kept or gained; at most `margin` is no change."""
    changes = [values.get(query_id, 0.0) - before for query_id, before in base.items()]
    worse = sum(change < -margin for change in changes)
    better = sum(change > margin for change in changes)
    return QueryMoves(worse=worse, equal=len(changes) - worse - better, better=better)


def truncated_share(record: Record) -> float | None:
    """Share of the scored pairs that were cut to the model's length; None where there are none."""
    return record.truncated_pairs / record.scored_pairs if record.scored_pairs else None
