"""Where a reranker gains and where it loses: queries grouped by a fact of the task.

Slices explore data, they test nothing: with many bins some intervals exclude 0 by chance.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias, TypeVar

import numpy as np

from rerankbench.errors import UsageError, nearest
from rerankbench.results.tasks import Task, Topic
from rerankbench.stats.paired import Interval, bootstrap_interval

SMALL = 5
"""Bins with fewer queries are marked, and have no interval: it would be too narrow."""
QUARTERS = 4
DEGREE = 2

Parted: TypeAlias = Mapping[str, list[Topic]]
"""Label of each bin → its queries; a query without the fact is in no bin."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Queries with the same value of a fact, and the means of both orders.

    `interval` is the 95 % bootstrap interval of `delta`, the model less the base.
    """

    label: str
    queries: int
    model: float
    base: float
    delta: float
    interval: Interval | None

    @property
    def small(self) -> bool:
        """Whether it has too few queries to mean anything."""
        return self.queries < SMALL


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicePoint:
    """All queries of one length: their mean difference, and the value of the polynomial."""

    words: int
    queries: int
    delta: float
    fitted: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """All bins of one fact, in order; queries without it are counted in `left_out`.

    By query length there are also `points`, one a length, and the `coefficients` (ascending
    powers of the length) of the polynomial that fits them best.
    """

    by: str
    bins: tuple[Bin, ...]
    left_out: int
    points: tuple[SlicePoint, ...] = ()
    coefficients: tuple[float, ...] = ()


def slices(
    task: Task,
    values: Mapping[str, float],
    base: Mapping[str, float],
    by: str,
    *,
    degree: int = DEGREE,
    level: int = 1,
) -> Slices:
    """Group the queries that both have values for. Raises UsageError for an unknown fact.

    `values` and `base` are one metric by query, of a model and of what it is held against: the
    first stage's own order, or another model on the same task. `level` is the lowest grade that
    counts as relevant.
    """
    if by not in _PARTED:
        raise UsageError(f"no slices by '{by}'; {nearest(by, _PARTED)}")
    topics = [
        topic
        for topic in sorted(task.topics, key=lambda topic: topic.query_id)
        if topic.query_id in values and topic.query_id in base
    ]
    parted = _PARTED[by](topics, level)
    bins = tuple(_bin(label, of, values, base) for label, of in parted.items() if of)
    points: tuple[SlicePoint, ...] = ()
    coefficients: tuple[float, ...] = ()
    if by == "query-length":
        points, coefficients = _points(topics, values, base, degree)
    return Slices(
        by=by,
        bins=bins,
        left_out=len(topics) - sum(bin_.queries for bin_ in bins),
        points=points,
        coefficients=coefficients,
    )


def _bin(
    label: str, topics: Sequence[Topic], values: Mapping[str, float], base: Mapping[str, float]
) -> Bin:
    model = [values[topic.query_id] for topic in topics]
    before = [base[topic.query_id] for topic in topics]
    deltas = [after - earlier for after, earlier in zip(model, before, strict=True)]
    return Bin(
        label=label,
        queries=len(topics),
        model=fmean(model),
        base=fmean(before),
        delta=fmean(deltas),
        interval=bootstrap_interval(deltas) if len(deltas) >= SMALL else None,
    )


def _points(
    topics: Sequence[Topic],
    values: Mapping[str, float],
    base: Mapping[str, float],
    degree: int,
) -> tuple[tuple[SlicePoint, ...], tuple[float, ...]]:
    """One point a length, and the polynomial of least squares through the points.

    As in Figure 1 of Zhang, Li and Lin, "CELI: A Simple yet Effective Approach to Enhance
    Out-of-Domain Generalization of Cross-Encoders", NAACL 2024: points have equal weight, however
    many queries they stand for. The degree is lowered if there are too few points.
    """
    lengths = _group((topic.words, topic) for topic in topics if topic.words)
    deltas = {
        words: [values[topic.query_id] - base[topic.query_id] for topic in of]
        for words, of in lengths.items()
    }
    means = [fmean(of_length) for of_length in deltas.values()]
    fitted: list[float | None] = [None] * len(means)
    coefficients: tuple[float, ...] = ()
    degree = min(degree, len(means) - 1)
    if degree > 0:
        line = np.polynomial.Polynomial.fit(list(deltas), means, degree)
        fitted = [float(line(words)) for words in deltas]
        coefficients = tuple(line.convert().coef.tolist())
    points = tuple(
        SlicePoint(words=words, queries=len(of_length), delta=mean, fitted=fit)
        for (words, of_length), mean, fit in zip(deltas.items(), means, fitted, strict=True)
    )
    return points, coefficients


def _by_query_length(topics: Sequence[Topic], level: int) -> Parted:
    return _quarters([(topic.words, topic) for topic in topics if topic.words])


def _by_document_length(topics: Sequence[Topic], level: int) -> Parted:
    """By the mean length of a query's candidates."""
    return _quarters(
        [(fmean(topic.document_words), topic) for topic in topics if topic.document_words]
    )


def _quarters(numbered: Sequence[tuple[float, Topic]]) -> Parted:
    """Four bins of similar size; equal numbers stay together, so there may be fewer."""
    if not numbered:
        return {}
    numbers = [number for number, _ in numbered]
    edges = np.quantile(numbers, np.arange(1, QUARTERS) / QUARTERS, method="inverted_cdf")
    grouped = _group(
        (int(np.searchsorted(edges, number)), (number, topic)) for number, topic in numbered
    )
    parted: dict[str, list[Topic]] = {}
    for group in grouped.values():
        ends = [f"{pick(number for number, _ in group):.0f}" for pick in (min, max)]
        label = "–".join(dict.fromkeys(ends))
        # Once rounded, neighbouring bins may have the same label; they become one bin.
        parted.setdefault(f"{label} words", []).extend(topic for _, topic in group)
    return parted


def _by_relevant(topics: Sequence[Topic], level: int) -> Parted:
    """By how many documents are judged relevant, retrieved or not."""
    parted: dict[str, list[Topic]] = {
        "none": [],
        "1": [],
        "2": [],
        "3–5": [],
        "6–20": [],
        "21+": [],
    }
    labels = list(parted)
    for topic in topics:
        count = sum(grade >= level for grade in topic.grades.values())
        parted[labels[bisect_left((0, 1, 2, 5, 20), count)]].append(topic)
    return parted


def _by_grade(topics: Sequence[Topic], level: int) -> Parted:
    """By the highest grade among the judgments, retrieved or not."""
    by_grade = _group((max(topic.grades.values()), topic) for topic in topics if topic.grades)
    return {f"grade {grade}": of for grade, of in by_grade.items()}


def _by_first_stage(topics: Sequence[Topic], level: int) -> Parted:
    """By where the first stage put its first relevant document."""
    parted: dict[str, list[Topic]] = {
        "rank 1": [],
        "rank 2–10": [],
        "rank 11+": [],
        "not found": [],
    }
    labels = list(parted)
    for topic in topics:
        relevant = {doc_id for doc_id, grade in topic.grades.items() if grade >= level}
        ranks = (at for at, doc_id in enumerate(topic.candidates, 1) if doc_id in relevant)
        first = next(ranks, None)
        if relevant:
            at = 3 if first is None else bisect_left((1, 10), first)
            parted[labels[at]].append(topic)
    return parted


def _group(pairs: Iterable[tuple[int, _T]]) -> dict[int, list[_T]]:
    """Number → the items paired with it, numbers ascending."""
    grouped: dict[int, list[_T]] = {}
    for number, item in pairs:
        grouped.setdefault(number, []).append(item)
    return dict(sorted(grouped.items()))


_PARTED: Mapping[str, Callable[[Sequence[Topic], int], Parted]] = {
    "query-length": _by_query_length,
    "document-length": _by_document_length,
    "relevant": _by_relevant,
    "grade": _by_grade,
    "first-stage": _by_first_stage,
}
