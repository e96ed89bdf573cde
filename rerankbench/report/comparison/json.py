"""Two models side by side as JSON: the documented interface for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rerankbench.compare.side_by_side import Comparison, RankedDocument
from rerankbench.types import Document


def render(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """An object for the comparison, with an inner one for every pair of records."""
    pair = comparisons[0].pair
    body = {
        "a": pair.a.label,
        "b": pair.b.label,
        "metric": comparisons[0].metric,
        "notes": list(notes),
        "comparisons": [_comparison(comparison) for comparison in comparisons],
    }
    return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


def _comparison(comparison: Comparison) -> dict[str, Any]:
    a, b = comparison.pair.a.record, comparison.pair.b.record
    speeds = comparison.speeds
    return {
        "collection": a.cell.collection.name,
        "split": a.cell.collection.split,
        "first_stage": a.cell.first_stage.name,
        "depth": a.cell.depth,
        "reranker_a": a.cell.reranker.name,
        "reranker_b": b.cell.reranker.name,
        "queries": comparison.queries,
        "mean_a": comparison.mean_a,
        "mean_b": comparison.mean_b,
        "difference": comparison.difference,
        "interval": [comparison.interval.low, comparison.interval.high],
        "p": comparison.p,
        "p_holm": comparison.p_holm,
        "effect_size": comparison.effect_size,
        "wins": comparison.wins,
        "losses": comparison.losses,
        "ties": comparison.ties,
        "docs_per_s": None if speeds is None else list(speeds.docs_per_s),
        "latency_ms": None
        if speeds is None
        else {"p50": list(speeds.p50_ms), "p95": list(speeds.p95_ms)},
        "no_speeds": comparison.no_speeds or None,
        "differing": [
            {
                "query_id": query.query_id,
                "text": query.text,
                "a": query.a,
                "b": query.b,
                "first_a": _ranking(query.first_a, comparison.documents),
                "first_b": _ranking(query.first_b, comparison.documents),
            }
            for query in comparison.differing
        ],
        "notes": list(comparison.notes),
    }


def _ranking(
    tops: Sequence[RankedDocument] | None, documents: Mapping[str, Document]
) -> list[dict[str, Any]] | None:
    return None if tops is None else [_document(ranked, documents) for ranked in tops]


def _document(ranked: RankedDocument, documents: Mapping[str, Document]) -> dict[str, Any]:
    document = documents.get(ranked.doc_id)
    texts = {} if document is None else {"title": document.title, "text": document.text}
    return {
        "doc_id": ranked.doc_id,
        "grade": ranked.grade,
        "first_stage_rank": ranked.first_stage_rank,
        **texts,
    }
