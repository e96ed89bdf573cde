"""Whether faster scores still rank alike: nDCG@10, and Kendall's tau to the float32 scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

from benchmarks.scoring.pairs import Workload
from rerankbench.registry.naming import parse_metric
from rerankbench.types import Candidates

# Any contender's name → one score a pair.
Scores = Mapping[str, Sequence[float]]
_REFERENCES = ("transformers", "st")


def reference(scores: Scores, dtypes: Mapping[str, str]) -> str | None:
    """Whose scores the others are compared to: transformers in float32, or the next best."""
    float32 = [name for name in scores if dtypes[name] == "float32"]
    return next((name for name in (*_REFERENCES, *float32) if name in float32), None)


def ndcg(workload: Workload, scores: Sequence[float]) -> float:
    """Mean nDCG@10 over the scored queries, trec_eval's definition."""
    run = {
        each.query.query_id: dict(
            zip((document.doc_id for document in each.documents), part, strict=True)
        )
        for each, part in by_query(workload.candidates, scores)
    }
    return fmean(parse_metric("nDCG@10").per_query(workload.qrels, run).values())


def tau(workload: Workload, scores: Sequence[float], others: Sequence[float]) -> float:
    """Mean over queries of Kendall's tau-b between two scorings of the same pairs."""
    from scipy.stats import kendalltau

    halves = zip(
        by_query(workload.candidates, scores),
        by_query(workload.candidates, others),
        strict=True,
    )
    return fmean(float(kendalltau(part, other).statistic) for (_, part), (_, other) in halves)


def by_query(
    candidates: Sequence[Candidates], scores: Sequence[float]
) -> Iterator[tuple[Candidates, Sequence[float]]]:
    """Each query with the scores of its documents."""
    start = 0
    for each in candidates:
        end = start + len(each.documents)
        yield each, scores[start:end]
        start = end
