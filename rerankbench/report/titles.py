"""Titles of pages and tables about a single record."""

from __future__ import annotations

from rerankbench.results.candidate_words import shortfall
from rerankbench.types import Record


def title(record: Record, first_stage: str) -> str:
    """`scifact (test), bm25 top-100: MODEL`, with the size of a sample.

    `first_stage` is what the first stage is called among the records at hand.
    """
    collection, cell = record.cell.collection, record.cell
    sample = collection.sampled_queries
    sampled = "" if sample is None else f", {sample} sampled queries"
    candidates = f"{first_stage} top-{cell.depth}{shortfall([record])}"
    task = f"{collection.name} ({collection.split}), {candidates}"
    return f"{task}{sampled}: {cell.reranker.name}"
