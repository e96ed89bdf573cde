"""What else changed between two record sets: packages, models, collections, machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rerankbench.gate.cells import Change
from rerankbench.types import Record

_NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A fact that changed, and in how many of the matched cells."""

    fact: str
    base: str
    new: str
    cells: int


def drift(changes: Sequence[Change]) -> tuple[Drift, ...]:
    """Every fact of environment, model and task that differs, in a fixed order.

    The same change in several cells is one drift.
    """
    counts: dict[tuple[str, str, str], int] = {}
    for change in changes:
        base, new = facts(change.base), facts(change.new)
        for fact in sorted(base.keys() | new.keys()):
            before, after = base.get(fact, _NONE), new.get(fact, _NONE)
            if before != after:
                key = (fact, before, after)
                counts[key] = counts.get(key, 0) + 1
    return tuple(
        Drift(fact=fact, base=base, new=new, cells=cells)
        for (fact, base, new), cells in sorted(counts.items())
    )


def facts(record: Record) -> dict[str, str]:
    """Everything that may change a cell's figures: `package torch`, `model revision` → value."""
    return {name: _shown(value) for name, value in _facts(record) if value is not None}


def _facts(record: Record) -> Iterator[tuple[str, Any]]:
    environment, cell = record.environment, record.cell
    yield from _named("package", environment.packages)
    for fact in ("python", "system", "cpu", "cores", "memory_bytes", "gpu", "git_sha"):
        yield f"environment {fact}", getattr(environment, fact)
    yield "machine", environment.machine_id
    hashes = cell.collection.hashes
    yield "collection corpus", hashes.corpus
    yield "collection queries", hashes.queries
    yield "collection qrels", hashes.qrels
    yield "collection drops identical ids", cell.collection.drops_identical_ids
    yield "collection keeps unlike documents of equal ids", cell.collection.unlike_ids_stay
    yield from _named("first stage", cell.first_stage.parameters)
    reranker = cell.reranker
    for fact in ("family", "revision", "parameters", "dtype", "max_length"):
        yield f"model {fact}", getattr(reranker, fact)
    yield from _named("recipe", reranker.recipe)
    for fact in ("engine", "device", "batch_tokens", "threads"):
        yield f"engine {fact}", getattr(cell.engine, fact)
    yield "attention kernel", record.measurements.attention_kernel


def _named(kind: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        yield f"{kind} {name}", value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
