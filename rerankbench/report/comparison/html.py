"""Two models side by side as a self-contained page."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.compare.side_by_side import Comparison
from rerankbench.report.comparison import words
from rerankbench.report.page import page


def render(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """The summary of all collections, then each of them with its queries."""
    contents = [
        (f"task-{at}", words.heading(comparison)) for at, comparison in enumerate(comparisons)
    ]
    return page(
        "comparison.html",
        words.title(comparisons[0]),
        description="Two rerankers side by side on the same candidates, and the queries on which "
        "they differ most.",
        contents=contents if len(contents) > 1 else (),
        comparisons=comparisons,
        notes=[*words.explanations(comparisons), *notes],
        words=words,
    )
