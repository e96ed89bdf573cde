"""Chooses the records for pages that show models one by one: the newest per model and task."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.errors import UsageError
from rerankbench.results import derived, grouping, row_names
from rerankbench.types import Record


def chosen(records: Sequence[Record], names: Sequence[str] = ()) -> list[Record]:
    """The newest record of each of these rerankers on each task, in a fixed order.

    Without names, all models; first stage, oracle and random only if named.
    Raises UsageError for a name that no record has, or if there is no model.
    """
    row_names.check(names, records)
    wanted = [
        record
        for record in records
        if (record.cell.reranker.name in names if names else not derived.is_baseline(record))
    ]
    if not wanted:
        raise UsageError("no model in these records; name a baseline with --model to read it")
    newest = grouping.newest(wanted, lambda record: (record.task, record.cell.reranker.name))
    return grouping.in_order(newest.values())
