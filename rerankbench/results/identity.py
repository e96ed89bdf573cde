"""Hashes that identify a cell by what decides its ranking, and by what decides its speed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rerankbench.types import KEY_VERSION, Cell, digest


def quality_key(cell: Cell) -> str:
    """Hash of all that decides the ranking: contents, first stage, depth, model, dtype, recipe.

    Names do not count: the same collection under another name, or the same weights in another
    folder, are the same work.
    """
    reranker = cell.reranker
    return digest(
        {
            **cell.task.identity,
            "reranker": [reranker.family, reranker.revision, reranker.dtype, reranker.max_length],
            "recipe": dict(reranker.recipe),
        }
    )


def speed_key(cell: Cell, machine_id: str) -> str:
    """What may change the speed besides: engine, batch, device, threads and machine."""
    return digest({"version": KEY_VERSION, "engine": asdict(cell.engine), "machine": machine_id})


def record_key(quality: str, speed: str) -> str:
    """The name of a record's file: one per combination of quality key and speed key."""
    return digest([quality, speed])


def candidates_key(hashes: Mapping[str, Any], first_stage: Mapping[str, Any], depth: int) -> str:
    """The name of a cached candidate list."""
    return digest({"version": KEY_VERSION, "of": hashes, "by": dict(first_stage), "depth": depth})
