"""How a metric varies with the rerank depth, from one scoring of the deepest candidates.

A pointwise model's score does not depend on the other candidates, so the scores of the first
thousand give the ranking at every depth up to it without scoring anything again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from rerankbench.compare.ceilings import SAME
from rerankbench.compare.rank_metrics import Floats, Integers, measure_at, places
from rerankbench.errors import UsageError
from rerankbench.known import metric_name
from rerankbench.registry import naming
from rerankbench.results.tasks import Task, Topic
from rerankbench.stats.paired import bootstrap_means, percentile_interval
from rerankbench.types import Ranking, Record

STEP = 10
MARGIN = 0.005
"""Half a point of nDCG: a smaller difference is no reason to choose another depth."""
FEWEST = 10
"""The fewest queries for which a shape is named: fewer could agree by chance."""

Shape: TypeAlias = Literal["saturates", "still rises", "peaks then decays", "harms", "unclear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The mean of one difference a query, and the 95 % bootstrap interval of that mean."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthCurve:
    """The mean of a metric over all judged queries, by how many candidates were reranked.

    Depth 0 comes first in `depths`: the first stage's own order. The last is the record's, or the
    longest list of candidates where all are shorter. `means` and `ceilings` (the best order of the
    first d candidates) run beside them. `peak` is the depth of the highest mean, `enough` the
    smallest whose mean is at most the margin below it; 0 says not to rerank. `gain` is last depth
    less first stage; `decay` is best depth less last depth, where the best depth for each query is
    that of the other half of the queries. Both are None with fewer than `FEWEST` queries.
    """

    metric: str
    depths: tuple[int, ...]
    means: tuple[float, ...]
    ceilings: tuple[float, ...]
    queries: int
    shape: Shape
    peak: int
    enough: int
    gain: Difference | None
    decay: Difference | None

    def at(self, depth: int) -> float:
        """The mean at one of the depths."""
        return self.means[self.depths.index(depth)]


def obstacle(record: Record) -> str | None:
    """Why one scoring does not give the ranking at other depths; None if it does."""
    cell = record.cell
    if cell.reranker.scores_lists:
        return "its scores depend on the query's other candidates"
    if cell.reranker.fusion is not None:
        return "its scores are joined with the first stage's ranks or ranges, which depth changes"
    if cell.adds_positives:
        return "missed positives were added to its candidates, which would be missing at any depth"
    return None


def depth_curve(
    record: Record,
    task: Task,
    rankings: Sequence[Ranking],
    metric: str,
    *,
    margin: float = MARGIN,
) -> DepthCurve:
    """The curve at depths 10, 20, … up to the record's own or the longest list of candidates.

    `rankings` hold a score for every candidate of the task. Raises UsageError if the record's
    scores do not give the ranking at other depths, or for an unknown metric.
    """
    problem = obstacle(record)
    if problem is not None:
        raise UsageError(f"{record.cell.reranker.name}: no depth curve; {problem}")
    name = naming.parse_metric(metric, record.cell.collection.relevance_level).name
    topics = sorted(task.topics, key=lambda topic: topic.query_id)
    longest = max((len(topic.candidates) for topic in topics), default=0)
    if not longest:
        raise UsageError(f"{record.cell.reranker.name}: no depth curve; no query has candidates")
    depths = depths_to(min(record.cell.depth, longest))
    by_id = {ranking.query_id: ranking for ranking in rankings}
    orders = [_by_score(record, topic, by_id.get(topic.query_id)) for topic in topics]
    values = per_query_values(topics, orders, name, depths)
    best = per_query_values(topics, [_by_grade(topic) for topic in topics], name, depths)
    return _curve(name, depths, values, tuple(best.mean(axis=0).tolist()), margin)


def depths_to(depth: int) -> tuple[int, ...]:
    """0, then every tenth depth and the last; every single one where there are at most ten."""
    step = STEP if depth > STEP else 1
    return (0, *range(step, depth, step), depth)


def per_query_values(
    topics: Sequence[Topic], orders: Sequence[Integers], metric: str, depths: Sequence[int]
) -> Floats:
    """One row a topic, one column a depth.

    `orders` hold, for each topic's candidates in first-stage order, their ranks by score, from 0.
    """
    measure, at, level = measure_at(metric), np.asarray(depths), metric_name.level(metric)
    if measure is None:
        return _by_plug_in(topics, orders, metric, depths)
    values = np.zeros((len(topics), len(depths)))
    for row, topic, ranks in zip(values, topics, orders, strict=True):
        # As in trec_eval: lower grades, and those below 0, gain nothing.
        gains = (grade for grade in topic.grades.values() if grade >= level)
        ideal = np.array(sorted(gains, reverse=True), float)
        grades = np.array([topic.grades.get(doc_id, 0) for doc_id in topic.candidates], float)
        relevant = np.flatnonzero(grades >= level)
        if len(relevant):
            row[:] = measure(places(ranks, relevant, at), grades[relevant], ideal)
    return values


def _by_plug_in(
    topics: Sequence[Topic], orders: Sequence[Integers], metric: str, depths: Sequence[int]
) -> Floats:
    """The same with one evaluation a depth: the only way for a metric from a plug-in."""
    plug_in = naming.parse_metric(metric)
    qrels = {topic.query_id: topic.grades for topic in topics}
    values = np.zeros((len(topics), len(depths)))
    for column, depth in enumerate(depths):
        run = {
            topic.query_id: {
                doc_id: -float(ranks[at] if at < depth else len(ranks) + at)
                for at, doc_id in enumerate(topic.candidates)
            }
            for topic, ranks in zip(topics, orders, strict=True)
        }
        of_query = plug_in.per_query(qrels, run)
        values[:, column] = [of_query.get(topic.query_id, 0.0) for topic in topics]
    return values


def _by_score(record: Record, topic: Topic, ranking: Ranking | None) -> Integers:
    """Ranks as in trec_eval: by score as float32, ties by doc_id, both descending."""
    hits = () if ranking is None else ranking.hits
    ranked = Ranking.sort(topic.query_id, hits).hits
    rank = {hit.doc_id: at for at, hit in enumerate(ranked)}
    if rank.keys() != set(topic.candidates):
        raise UsageError(
            f"{record.cell.reranker.name}: no depth curve; its run does not score just the "
            f"candidates of query '{topic.query_id}': run the cell again with --fresh"
        )
    return np.array([rank[doc_id] for doc_id in topic.candidates], dtype=np.int64)


def _by_grade(topic: Topic) -> Integers:
    grades = np.array([topic.grades.get(doc_id, 0) for doc_id in topic.candidates])
    return np.argsort(np.argsort(-grades, kind="stable"))


def _curve(
    metric: str,
    depths: tuple[int, ...],
    values: Floats,
    ceilings: tuple[float, ...],
    margin: float,
) -> DepthCurve:
    means = values.mean(axis=0)
    peak = _first_best(means)
    enough = int(np.argmax(means >= means[peak] - margin))
    tests = _tests(values) if len(values) >= FEWEST else None
    return DepthCurve(
        metric=metric,
        depths=depths,
        means=tuple(means.tolist()),
        ceilings=ceilings,
        queries=len(values),
        shape="unclear" if tests is None else _shape(tests, margin),
        peak=depths[peak],
        enough=depths[enough],
        gain=None if tests is None else tests.gain,
        decay=None if tests is None else tests.decay,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tests:
    """Mean differences with their intervals: what the queries show beyond noise.

    All that is said of the best depth comes from the same values: those of `_at_peak_of_others`.
    """

    gain: Difference
    decay: Difference
    late_gain: Difference
    peak_gain: Difference


def _tests(values: Floats) -> _Tests:
    first, middle, last = values[:, 0], values[:, values.shape[1] // 2], values[:, -1]
    peak = _at_peak_of_others(values)
    differences = np.stack([last - first, peak - last, last - middle, peak - first])
    gain, decay, late_gain, peak_gain = map(_difference, differences, bootstrap_means(differences))
    return _Tests(gain=gain, decay=decay, late_gain=late_gain, peak_gain=peak_gain)


def _difference(values: Floats, means: Floats) -> Difference:
    interval = percentile_interval(means)
    return Difference(estimate=float(values.mean()), low=interval.low, high=interval.high)


def _shape(tests: _Tests, margin: float) -> Shape:
    """The label of the curve; `docs/depth-and-slices.md` explains the rules."""
    if _is_above(tests.decay, margin):
        return "peaks then decays" if tests.peak_gain.estimate > margin else "harms"
    if _is_above(tests.late_gain, margin):
        return "still rises"
    return "saturates" if _is_above(tests.gain, margin) else "unclear"


def _is_above(difference: Difference, margin: float) -> bool:
    return difference.low > 0 and difference.estimate > margin


def _first_best(means: Floats) -> int:
    """The smallest depth of those with the highest mean, rounding aside."""
    return int(np.argmax(means >= means.max() - SAME))


def _at_peak_of_others(values: Floats) -> Floats:
    """Each query's value at the depth that is best for the other half of the queries.

    The highest of many noisy means is too high, so a peak chosen and tested on the same queries
    would be found in pure noise. Every second query makes a half. (The mean of these values is the
    cross-fitted estimate of what choosing a depth by such queries gains on others.)
    """
    half = np.arange(len(values)) % 2
    at_peak = np.empty(len(values))
    for side in (0, 1):
        at_peak[half == side] = values[
            half == side, _first_best(values[half != side].mean(axis=0))
        ]
    return at_peak
