"""What a model is, from its identity and after loading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rerankbench.doctor import checks, pairs
from rerankbench.doctor.checks import Check, Reference
from rerankbench.protocols import Job, MarkedPairs, Reranker, RerankerFacts
from rerankbench.types import RerankerRef

_HIDDEN = ("architecture",)


def facts(ref: RerankerRef, reranker: Reranker[Any]) -> list[tuple[str, str]]:
    """Name and value of each fact, in reading order."""
    count = "unknown" if ref.parameters is None else f"{ref.parameters:,}"
    rows = [
        ("family", ref.family),
        ("architecture", str(ref.recipe.get("architecture", "unknown"))),
        ("revision", ref.revision),
        ("parameters", count),
        ("dtype", ref.dtype or "as served"),
        ("engine", f"{reranker.engine.engine} on {reranker.engine.device}"),
        ("attention", reranker.attention_kernel or "unknown"),
        ("limit", "none known" if ref.max_length is None else f"{ref.max_length:,} tokens a pair"),
    ]
    if isinstance(reranker, RerankerFacts):
        rows += reranker.about.items()
        rows += reranker.checks.items()
    rows += [(key, str(value)) for key, value in ref.recipe.items() if key not in _HIDDEN]
    rows.append(("truncated", truncated(reranker)))
    return rows


def truncated(reranker: Reranker[Any]) -> str:
    """About how many words of a document still fit beside a short question."""
    words = 16
    while words <= 2**17 and not _cuts(reranker, words):
        words *= 2
    if words > 2**17:
        return "nothing up to 100,000 words"
    low, high = words // 2, words
    while high - low > max(1, low // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if _cuts(reranker, middle) else (middle, high)
    return f"what follows about {low:,} words of a document"


def examine(reranker: Reranker[Any], reference: Reference | None) -> Sequence[Check]:
    """All checks."""
    return checks.run(reranker, reference)


def _cuts(reranker: Reranker[Any], words: int) -> bool:
    prepared = reranker.prepare(Job(candidates=[pairs.of_length(words)]))
    return isinstance(prepared, MarkedPairs) and bool(prepared.truncated[0])
