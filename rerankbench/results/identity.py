"""Hashes that say what a cell is: what decides its ranking, and what decides its speed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rerankbench.types import Cell

# Raise when the meaning of an equal key changes: old records then no longer count as done.
KEY_VERSION = 1


def digest(value: Any) -> str:
    """16 hex digits that depend on a JSON value alone, not on the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def quality_key(cell: Cell) -> str:
    """What decides the ranking: contents, first stage, depth, model, dtype, length, recipe.

    Names do not count: the same collection under another name, or the same weights in another
    folder, are the same work.
    """
    reranker = cell.reranker
    return digest(
        {
            **_task(cell),
            "reranker": [reranker.family, reranker.revision, reranker.dtype, reranker.max_length],
            "recipe": dict(reranker.recipe),
        }
    )


def task_key(cell: Cell) -> str:
    """What the cell's candidates and judgments come from: equal for all rerankers of a task."""
    return digest(_task(cell))


def _task(cell: Cell) -> dict[str, Any]:
    collection = cell.collection
    task = {
        "version": KEY_VERSION,
        "collection": asdict(collection.hashes),
        "drops_identical_ids": collection.drops_identical_ids,
        "sample": [collection.sampled_queries, collection.sample_seed],
        "first_stage": [cell.first_stage.name, dict(cell.first_stage.parameters)],
        "depth": cell.depth,
    }
    # Only where it is so: keys of cells without them stay what they were.
    if collection.unlike_ids_stay:
        task["unlike_ids_stay"] = True
    if cell.adds_positives:
        task["adds_positives"] = True
    return task


def speed_key(cell: Cell, machine_id: str) -> str:
    """What may change the speed besides: engine, batch, device, threads and machine."""
    told = ("reason", "warning")
    engine = {name: value for name, value in asdict(cell.engine).items() if name not in told}
    return digest({"version": KEY_VERSION, "engine": engine, "machine": machine_id})


def record_key(quality: str, speed: str) -> str:
    """Names a record's file: one for each combination of quality key and speed key."""
    return digest([quality, speed])


def candidates_key(hashes: Mapping[str, Any], first_stage: Mapping[str, Any], depth: int) -> str:
    """Names a cached candidate list."""
    return digest({"version": KEY_VERSION, "of": hashes, "by": dict(first_stage), "depth": depth})
