"""How two records of one task differ: means, wins, speed, and the queries that differ most.

Every difference is B − A. Values that differ by rounding alone are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from rerankbench.compare.imported import tie_notes
from rerankbench.compare.pairs import Pair, PairSide
from rerankbench.compare.speeds import Speeds, speeds_of, why_no_speeds
from rerankbench.errors import RerankbenchError, UsageError
from rerankbench.results.find_texts import CollectionFinder
from rerankbench.results.tasks import Task, Topic
from rerankbench.stats import paired
from rerankbench.types import Document

SHOWN = 3
"""How many documents of a ranking are shown."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedDocument:
    """A document near the top of a ranking.

    `grade` is None if no judgment is known. `first_stage_rank` counts from 1;
    None if the first stage's order is not known.
    """

    doc_id: str
    grade: int | None
    first_stage_rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryDifference:
    """One query on which the two differ; a ranking is None where its run file is missing.

    `text` is None where it was not kept, `judged` False where the judgments were not.
    """

    query_id: str
    text: str | None
    judged: bool
    a: float
    b: float
    first_a: tuple[RankedDocument, ...] | None
    first_b: tuple[RankedDocument, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two records side by side.

    `interval` is the 95 % bootstrap interval of the mean difference, `p` the paired randomisation
    test's, `p_holm` the same after Holm over the comparisons made together in which any query
    differs; `effect_size` is Cohen's d for pairs. B `wins` the queries with a higher value.
    Without `speeds`, `no_speeds` says why. `documents` holds those whose texts were looked up.
    """

    pair: Pair
    metric: str
    mean_a: float
    mean_b: float
    interval: paired.Interval
    p: float
    p_holm: float
    effect_size: float | None
    wins: int
    losses: int
    ties: int
    speeds: Speeds | None
    no_speeds: str
    differing: tuple[QueryDifference, ...]
    documents: Mapping[str, Document]
    notes: tuple[str, ...]

    @property
    def difference(self) -> float:
        return self.mean_b - self.mean_a

    @property
    def queries(self) -> int:
        return self.wins + self.losses + self.ties


def compare(
    pairs: Sequence[Pair], metric: str, *, queries: int, library: CollectionFinder | None = None
) -> list[Comparison]:
    """Compare every pair, with at most `queries` differing queries each.

    Texts of documents come from the library, where one is given. Raises UsageError where two
    records of one task do not have the same queries.
    """
    differences = [_differences(pair, metric) for pair in pairs]
    p_values = [
        paired.randomisation_p([difference for _, difference in sorted(d.items())])
        for d in differences
    ]
    adjusted = _adjusted(p_values, [any(d.values()) for d in differences])
    return [
        _with_texts(_comparison(pair, metric, by_query, p, p_holm, queries), library)
        for pair, by_query, p, p_holm in zip(pairs, differences, p_values, adjusted, strict=True)
    ]


def _adjusted(p_values: Sequence[float], differ: Sequence[bool]) -> list[float]:
    """After Holm over the pairs that differ anywhere: with none, nothing is tested."""
    adjusted = iter(paired.holm([p for p, test in zip(p_values, differ, strict=True) if test]))
    return [next(adjusted) if test else 1.0 for test in differ]


def _differences(pair: Pair, metric: str) -> dict[str, float]:
    """query_id → B − A; 0 if they differ only by rounding."""
    a, b = pair.a.record.per_query[metric], pair.b.record.per_query[metric]
    if a.keys() != b.keys() or not a:
        raise UsageError(
            f"{pair.a.label} and {pair.b.label} do not hold the same queries of "
            f"{pair.a.record.cell.collection.name}; run both again with --fresh"
        )
    deltas = {query_id: b[query_id] - a[query_id] for query_id in sorted(a)}
    return {query_id: d if abs(d) > _ROUNDING else 0.0 for query_id, d in deltas.items()}


def _comparison(
    pair: Pair,
    metric: str,
    differences: Mapping[str, float],
    p: float,
    p_holm: float,
    queries: int,
) -> Comparison:
    a, b = pair.a.record, pair.b.record
    values = list(differences.values())
    largest = sorted(
        (query_id for query_id, d in differences.items() if d),
        key=lambda query_id: (-abs(differences[query_id]), query_id),
    )
    return Comparison(
        pair=pair,
        metric=metric,
        mean_a=fmean(a.per_query[metric].values()),
        mean_b=fmean(b.per_query[metric].values()),
        interval=paired.bootstrap_interval(values),
        p=p,
        p_holm=p_holm,
        effect_size=paired.effect_size(values),
        wins=sum(value > 0 for value in values),
        losses=sum(value < 0 for value in values),
        ties=sum(value == 0 for value in values),
        speeds=speeds_of(a, b),
        no_speeds=why_no_speeds(a, b),
        differing=_differing(pair, metric, largest[:queries]),
        documents={},
        notes=(*tie_notes(pair, metric), *_notes(pair, files=queries > 0)),
    )


def _with_texts(comparison: Comparison, library: CollectionFinder | None) -> Comparison:
    """With the texts of the documents that are shown, or a note why they are missing."""
    doc_ids = {
        document.doc_id
        for query in comparison.differing
        for document in (*(query.first_a or ()), *(query.first_b or ()))
    }
    if library is None or not doc_ids:
        return comparison
    try:
        texts = library.collection(comparison.pair.a.record.cell.collection).lookup(doc_ids)
    except RerankbenchError as error:
        return replace(comparison, notes=(*comparison.notes, str(error)))
    return replace(comparison, documents=texts)


def _differing(pair: Pair, metric: str, query_ids: Sequence[str]) -> tuple[QueryDifference, ...]:
    task = _task(pair)
    topics = {topic.query_id: topic for topic in task.topics} if task is not None else {}
    tops_a, tops_b = _tops(pair.a), _tops(pair.b)
    return tuple(
        QueryDifference(
            query_id=query_id,
            text=topics[query_id].text if query_id in topics else None,
            judged=query_id in topics,
            a=pair.a.record.per_query[metric][query_id],
            b=pair.b.record.per_query[metric][query_id],
            first_a=_top_documents(tops_a, topics, query_id),
            first_b=_top_documents(tops_b, topics, query_id),
        )
        for query_id in query_ids
    )


def _task(pair: Pair) -> Task | None:
    return pair.a.archive.task(pair.a.record) or pair.b.archive.task(pair.b.record)


def _tops(side: PairSide) -> dict[str, tuple[str, ...]] | None:
    rankings = side.archive.rankings(side.record)
    if rankings is None:
        return None
    return {
        ranking.query_id: tuple(hit.doc_id for hit in ranking.hits[:SHOWN]) for ranking in rankings
    }


def _top_documents(
    tops: Mapping[str, Sequence[str]] | None, topics: Mapping[str, Topic], query_id: str
) -> tuple[RankedDocument, ...] | None:
    if tops is None:
        return None
    topic = topics.get(query_id)
    ranks = {doc_id: at for at, doc_id in enumerate(topic.candidates, 1)} if topic else {}
    grades = topic.grades if topic else {}
    return tuple(
        RankedDocument(doc_id=doc_id, grade=grades.get(doc_id), first_stage_rank=ranks.get(doc_id))
        for doc_id in tops.get(query_id, ())
    )


def _notes(pair: Pair, *, files: bool) -> Iterator[str]:
    """How the two were chosen; with `files`, which files are missing and how to get them."""
    if pair.chosen_among > 1:
        yield (
            f"the newest of {pair.chosen_among} combinations of records, of one machine and "
            "device where there is one"
        )
    if not files:
        return
    task = _task(pair)
    if task is None:
        yield (
            "the file with queries and judgments is missing: `rerankbench run` with the same "
            "options writes it without scoring again"
        )
    elif all(topic.text is None for topic in task.topics):
        yield "the run was told not to keep query texts"
    for side in (pair.a, pair.b):
        if side.archive.rankings(side.record) is not None:
            continue
        if side.archive.is_baseline(side.record):
            yield (
                f"{side.label}: baselines hold no run files, so what it ranked first is unknown; "
                "to see it, compare with a folder that `rerankbench run` wrote"
            )
        else:
            yield (
                f"the run file of {side.label} is missing, or another machine's: restore it from "
                "git, or `rerankbench run --fresh` scores that cell again"
            )
