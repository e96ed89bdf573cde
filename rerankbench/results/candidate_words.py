"""How many candidates there were to rerank, where some query had fewer than the depth."""

from __future__ import annotations

from collections.abc import Iterable

from rerankbench.results.wording import spread
from rerankbench.types import Record


def shortfall(records: Iterable[Record]) -> str:
    """` (2 to 5 candidates, median 2)`, to stand behind the depth; empty if no list is shorter.

    Records from before candidates were counted say nothing; another record of the same task may.
    Over several tasks there is no median.
    """
    counted = {
        record.task: (record.cell.depth, record.candidates)
        for record in records
        if record.candidates is not None
    }
    if not any(counts.least < depth for depth, counts in counted.values()):
        return ""
    ends = {end for _, counts in counted.values() for end in (counts.least, counts.most)}
    parts = [f"{spread(ends)} candidate{'s' * (ends != {1})}"]
    if len(counted) == 1 and len(ends) > 1:
        ((_, counts),) = counted.values()
        parts.append(f"median {counts.median:,.1f}".removesuffix(".0"))
    return f" ({', '.join(parts)})"
