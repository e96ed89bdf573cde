"""`--judge`: the same layout, its games decided by a judge's stored answers."""

from __future__ import annotations

from rerankbench.errors import UsageError
from rerankbench.leaderboard.layout import Layout


def with_judge(layout: Layout, judge: str) -> Layout:
    """As the key `judge` in a layout file. Raises UsageError where no column shows games."""
    if layout.not_judged:
        raise UsageError(f"--judge decides nothing in '{layout.name}': {layout.not_judged}")
    return layout.model_copy(update={"judge": judge})
