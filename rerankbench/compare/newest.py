"""Which records are read one by one: the newest of each model on each task."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.errors import UsageError, nearest
from rerankbench.results import derived
from rerankbench.types import Record


def chosen(records: Sequence[Record], names: Sequence[str] = ()) -> list[Record]:
    """The newest record of each of these rerankers on each task, in a fixed order.

    Without names those of all models: first stage, oracle and random are read only where named.
    Raises UsageError for a name that no record has, or where there is no model.
    """
    known = {record.cell.reranker.name for record in records}
    for name in names:
        if name not in known:
            raise UsageError(f"no reranker '{name}' in these records; {nearest(name, known)}")
    wanted = [
        record
        for record in sorted(records, key=derived.age)
        if (record.cell.reranker.name in names if names else not derived.is_baseline(record))
    ]
    if not wanted:
        raise UsageError("no model in these records; name a baseline with --model to read it")
    found = {(derived.task_key(one), one.cell.reranker.name): one for one in wanted}
    return derived.in_order(list(found.values()))


def metric_of(records: Sequence[Record], asked: str | None) -> str:
    """The metric that was asked for, or the headline. Raises UsageError where there is none."""
    metric = asked or derived.headline(records)
    if metric is None:
        raise UsageError("these records hold no metric; name one with --metric")
    return metric
