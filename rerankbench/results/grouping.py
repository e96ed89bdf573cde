"""Several records → their order, the newest of each kind, and what tells their tasks apart."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TypeVar

from rerankbench.results import derived
from rerankbench.types import Record, TaskKey

_SHOWN_CHARACTERS = 40

_Key = TypeVar("_Key", bound=Hashable)


def age(record: Record) -> tuple[str, str, str, str]:
    """Sorts records from the oldest to the newest; the keys settle what started together."""
    return (record.started_at, record.suite, record.quality_key, record.speed_key)


def newest(records: Iterable[Record], key: Callable[[Record], _Key]) -> dict[_Key, Record]:
    """Key → the newest of the records that share it; keys stand in the order of their oldest."""
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
    """One record of each side: those preferred, then of one machine and device, then the newest.

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
    values = {fact: {each[fact] for each in facts} for fact in (facts[0] if facts else ())}
    return {fact: sorted(several) for fact, several in values.items() if len(several) > 1}


def distinct_titles(titles: Sequence[str], tasks: Sequence[TaskKey]) -> list[str]:
    """The titles of tasks; where several are equal, the facts that differ stand behind them."""
    distinct = []
    for title, task in zip(titles, tasks, strict=True):
        alike = (other for other, same in zip(tasks, titles, strict=True) if same == title)
        facts = "; ".join(
            f"{fact} {task.facts[fact][:_SHOWN_CHARACTERS]}" for fact in different_facts(alike)
        )
        distinct.append(f"{title} ({facts})" if title and facts else title)
    return distinct
