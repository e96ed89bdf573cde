"""`--judge`: the same layout, but a judge's stored answers decide its games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rerankbench.errors import UsageError
from rerankbench.leaderboard.layout import Layout
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

if TYPE_CHECKING:
    from rerankbench.compare.judged import StoredJudge


def with_judge(layout: Layout, judge: str) -> Layout:
    """Set the key `judge` of a layout. Raises UsageError where no column shows games."""
    if layout.not_judged:
        raise UsageError(f"--judge decides nothing in '{layout.name}': {layout.not_judged}")
    return layout.model_copy(update={"judge": judge})


def stored_judge(
    archive: RecordSet, records: Sequence[Record], layout: Layout
) -> StoredJudge | None:
    """The layout's judge, if it has one. Raises UsageError where it answered nothing."""
    if layout.judge is None:
        return None
    # It imports numpy, which tables without games need not wait for.
    from rerankbench.compare.judged import StoredJudge

    return StoredJudge(archive, records, layout.judge)
