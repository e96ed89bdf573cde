"""Titles of pages and tables about a single record."""

from __future__ import annotations

from rerankbench.types import Record


def title(record: Record, first_stage: str) -> str:
    """`scifact (test), bm25 top-100: MODEL`, with the size of a sample.

    `first_stage` is what the first stage is called among the records at hand.
    """
    collection, cell = record.cell.collection, record.cell
    sample = collection.sampled_queries
    sampled = "" if sample is None else f", {sample} sampled queries"
    task = f"{collection.name} ({collection.split}), {first_stage} top-{cell.depth}"
    return f"{task}{sampled}: {cell.reranker.name}"
