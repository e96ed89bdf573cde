"""Names of exported files, and other tools' names of our metrics (docs/interoperability.md)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from rerankbench.known import metric_name
from rerankbench.registry.naming import name_elsewhere
from rerankbench.types import Record

_MOST_CHARACTERS = 120
# The largest cutoff that MTEB computes.
_MTEB_MOST = 1000


def file_part(text: str) -> str:
    """Text as part of a file name: no folders, no leading dot, nothing special to a shell."""
    return re.sub(r"[^\w.+-]+", "_", text).lstrip(".-")[:_MOST_CHARACTERS] or "_"


def task_stem(record: Record) -> str:
    """`scifact.bm25.100`; samples of queries and added positives are marked."""
    cell = record.cell
    sample = cell.collection.sampled_queries
    parts = [cell.collection.name, cell.first_stage.name, str(cell.depth)]
    parts += ["positives"] if cell.adds_positives else []
    parts += [f"sample{sample}"] if sample is not None else []
    return ".".join(map(file_part, parts))


def run_stem(record: Record) -> str:
    """`scifact.bm25.100.org_model`."""
    return f"{task_stem(record)}.{file_part(record.cell.reranker.name)}"


def distinct_stems(stems: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
    """(stem, identity) → the stem, with the identity appended if several share it.

    Names do not depend on the order.
    """
    by_stem: dict[str, set[str]] = {}
    for stem, identity in stems:
        by_stem.setdefault(stem, set()).add(identity)
    return {
        (stem, identity): stem if len(identities) == 1 else f"{stem}.{identity[:8]}"
        for stem, identities in by_stem.items()
        for identity in identities
    }


def ir_measures_name(metric: str) -> str | None:
    """`MAP` → `AP`, `MRR(rel=2)@10` → `RR(rel=2)@10`; None if ir_measures has no name for it."""
    parts = metric_name.split(metric)
    other = name_elsewhere(parts.base, "ir_measures") if parts else None
    return None if parts is None or other is None else str(replace(parts, base=other))


def mteb_name(metric: str, depth: int | None) -> str | None:
    """`nDCG@10` → `ndcg_at_10`; None if MTEB has no name for it.

    For rankings of at most 1000 documents, MAP and MRR equal their values at 1000. `depth` is None
    if the rankings' length is unknown.
    """
    name, _, cutoff = metric.partition("@")
    is_same_at_most = name in ("MAP", "MRR") and depth is not None and depth <= _MTEB_MOST
    other = name_elsewhere(name, "mteb")
    if other is None or not (cutoff or is_same_at_most):
        return None
    return f"{other}_at_{cutoff or _MTEB_MOST}"
