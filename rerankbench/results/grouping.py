"""Order and grouping of several records: newest of each kind, differences of tasks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

from rerankbench.results import derived, first_stages
from rerankbench.types import Record, TaskKey

_SHOWN_CHARACTERS = 40
_FIRST_STAGE = frozenset({"first stage", "first-stage parameters"})

_Key = TypeVar("_Key", bound=Hashable)


def age(record: Record) -> tuple[str, str, str, str]:
    """A sort key from oldest to newest; keys settle ties of the starting time."""
    return (record.started_at, record.suite, record.quality_key, record.speed_key)


def newest(records: Iterable[Record], key: Callable[[Record], _Key]) -> dict[_Key, Record]:
    """Key → the newest record with that key, keys in the order of their oldest record."""
    return {key(record): record for record in sorted(records, key=age)}


def newest_of_all(records: Iterable[Record]) -> Record:
    """The newest record; there must be one."""
    return max(records, key=age)


def newest_pair(
    base: Iterable[Record],
    new: Iterable[Record],
    *,
    prefer: Callable[[Record, Record], bool] = lambda *_: True,
) -> tuple[Record, Record]:
    """One record of each side: preferred pairs first, then same machine and device, then newest.

    There must be one on each side.
    """
    return max(
        product(base, new),
        key=lambda pair: (
            prefer(*pair),
            derived.setting(pair[0]) == derived.setting(pair[1]),
            *map(age, pair),
        ),
    )


def in_order(records: Iterable[Record]) -> list[Record]:
    """By collection, split, first stage, depth and reranker, then from the oldest on."""
    return sorted(records, key=_place)


def _place(record: Record) -> tuple[str, str, str, str, int, str, tuple[str, ...]]:
    cell = record.cell
    return (
        record.suite,
        cell.collection.name,
        cell.collection.split,
        cell.first_stage.name,
        cell.depth,
        cell.reranker.name,
        age(record),
    )


def different_facts(tasks: Iterable[TaskKey]) -> dict[str, list[str]]:
    """The facts in which tasks differ: name of the fact → its values, sorted."""
    facts = [task.facts for task in tasks]
    values = {
        fact: {task_facts[fact] for task_facts in facts} for fact in (facts[0] if facts else ())
    }
    return {
        fact: sorted(distinct_values)
        for fact, distinct_values in values.items()
        if len(distinct_values) > 1
    }


def distinct_titles(titles: Sequence[str], records: Sequence[Record]) -> list[str]:
    """The titles of the records' tasks; where several are equal, what differs stands behind them.

    The first stage goes by its name among these records.
    """
    stages = first_stages.titles(records)
    distinct = []
    for title, record in zip(titles, records, strict=True):
        alike = [other for other, same in zip(records, titles, strict=True) if same == title]
        different = different_facts(other.task for other in alike)
        told = [
            f"{fact} {record.task.facts[fact][:_SHOWN_CHARACTERS]}"
            for fact in different
            if fact not in _FIRST_STAGE
        ]
        if not _FIRST_STAGE.isdisjoint(different) and stages[record.task] not in title:
            told.append(stages[record.task])
        distinct.append(f"{title} ({'; '.join(told)})" if title and told else title)
    return distinct
