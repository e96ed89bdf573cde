"""Records as JSON: the stable interface for programs (docs/interface.md).

Keys are only added. Nothing is rounded, filtered or selected; null means not measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from rerankbench.results import grouping
from rerankbench.results.figures import summary
from rerankbench.types import Record


def render(records: Sequence[Record]) -> str:
    """A list with one object per record, in a fixed order, in ASCII, ending with a newline."""
    summaries = [summary(record) for record in grouping.in_order(records)]
    return json.dumps(summaries, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
