"""Names of rerankers that tell settings apart: `tiny · 512 tokens` beside `tiny · 32 tokens`.

Where records of one task share a reranker's name and differ in how it was run, the settings that
tell them apart become part of the name, so that each has a row of its own. Only what is needed to
tell them apart is named, the most telling setting first. The row of the first stage's own order is
called as the first stage is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, TypeAlias

from rerankbench.errors import UsageError, nearest
from rerankbench.results import derived, first_stages, grouping
from rerankbench.types import Record, TaskKey

SEPARATOR = " · "
GENERIC_FIRST_STAGE = "first stage"
"""The row of a first stage that has no name of its own, in the files of records."""
_LONGEST_VALUE = 30

Setting: TypeAlias = "tuple[str, Callable[[Record], Any], Callable[[Any], str]]"
"""Its name, its value in a record, and the value in words."""

_SETTINGS: Sequence[Setting] = (
    ("dtype", lambda r: r.cell.reranker.dtype, str),
    ("max length", lambda r: r.cell.reranker.max_length, lambda value: f"{value} tokens"),
    ("engine", lambda r: r.cell.engine.engine, str),
    ("device", lambda r: r.cell.engine.device, str),
)
_LAST_SETTINGS: Sequence[Setting] = (
    ("revision", lambda r: r.cell.reranker.revision, lambda value: f"revision {value[:7]}"),
    (
        "threads",
        lambda r: r.cell.engine.threads,
        lambda value: f"{value} thread{'s' * (value != 1)}",
    ),
    (
        "batch tokens",
        lambda r: r.cell.engine.batch_tokens,
        lambda value: f"batches of {value} tokens",
    ),
)


def tell_apart(records: Sequence[Record]) -> list[Record]:
    """The records in their order, with the names under which each has a row of its own."""
    by_name: dict[str, list[Record]] = {}
    for record in records:
        if not derived.is_baseline(record):
            by_name.setdefault(record.cell.reranker.name, []).append(record)
    needed = {name: _needed(alike) for name, alike in by_name.items()}
    stages = first_stages.titles(records)
    return [
        _renamed(record, _of_first_stage(record, stages[record.task]))
        if derived.is_first_stage(record)
        else _named(record, needed.get(record.cell.reranker.name, ()))
        for record in records
    ]


def without_settings(name: str) -> str:
    """What a reranker is called where nothing has to be told apart."""
    return name.partition(SEPARATOR)[0]


def check(names: Iterable[str], records: Iterable[Record], *, remedy: str = "") -> None:
    """Raises UsageError for a reranker that has no record, with what to name instead."""
    known = {record.cell.reranker.name for record in records}
    for name in names:
        if name not in known:
            raise unknown(name, known, remedy=remedy)


def unknown(
    name: str,
    known: Iterable[str],
    *,
    kind: str = "reranker",
    where: str = " in these records",
    remedy: str = "",
) -> UsageError:
    """What to say of a name that is none of the known ones."""
    names = sorted(set(known))
    rows = [f"'{row}'" for row in names if without_settings(row) == name]
    if rows:
        return UsageError(f"'{name}' was run with several settings; name one of {', '.join(rows)}")
    return UsageError(f"no {kind} '{name}'{where}; {nearest(name, names)}{remedy}")


def _needed(records: Sequence[Record]) -> list[Setting]:
    """The settings without which two records of one task could not be told apart."""
    by_task: dict[TaskKey, list[Record]] = {}
    for record in records:
        by_task.setdefault(record.task, []).append(record)
    pairs = [pair for alike in by_task.values() for pair in combinations(alike, 2)]
    pairs = [(a, b) for a, b in pairs if _key(a) != _key(b)]
    needed = []
    if not pairs:
        return []
    recipe = _recipe_settings(pairs)
    for setting in (*_SETTINGS, *recipe, *_LAST_SETTINGS, _other_machines(records)):
        value_of = setting[1]
        left = [(a, b) for a, b in pairs if value_of(a) == value_of(b)]
        if len(left) < len(pairs):
            needed.append(setting)
            pairs = left
    return needed


def _key(record: Record) -> tuple[str, str]:
    return record.quality_key, record.speed_key


def _other_machines(records: Sequence[Record]) -> Setting:
    """The machine, named only where it is not the one of most records, or else of the newest."""
    counts = Counter(record.environment.machine_id for record in records)
    newest_first = sorted(records, key=grouping.age, reverse=True)
    usual = max(newest_first, key=lambda record: counts[record.environment.machine_id])
    cpu = usual.environment.gpu or usual.environment.cpu

    def machine(record: Record) -> tuple[str, str]:
        environment = record.environment
        return environment.machine_id, environment.gpu or environment.cpu

    def in_words(value: tuple[str, str]) -> str:
        machine_id, processor = value
        if machine_id == usual.environment.machine_id:
            return ""
        return processor if processor != cpu else f"machine {machine_id}"

    return "machine", machine, in_words


def _recipe_settings(pairs: Iterable[tuple[Record, Record]]) -> list[Setting]:
    """The keys of a recipe in which two records differ, in the order that the recipes have."""
    keys: dict[str, None] = {}
    for pair in pairs:
        recipes = [record.cell.reranker.recipe for record in pair]
        for key in (*recipes[0], *recipes[1]):
            if recipes[0].get(key) != recipes[1].get(key):
                keys[key] = None
    return [(key, _from_recipe(key), _in_words(key)) for key in keys]


def _from_recipe(key: str) -> Callable[[Record], Any]:
    return lambda record: record.cell.reranker.recipe.get(key)


def _in_words(key: str) -> Callable[[Any], str]:
    words = key.replace("_", " ")

    def shown(value: Any) -> str:
        text = " ".join(str(value).split())
        text = text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
        return f"{words} {text or 'empty'}"

    return shown


def _named(record: Record, settings: Sequence[Setting]) -> Record:
    values = [(value_of(record), words) for _, value_of, words in settings]
    shown = [words(value) for value, words in values if value is not None]
    return _renamed(record, SEPARATOR.join((record.cell.reranker.name, *filter(None, shown))))


def _renamed(record: Record, name: str) -> Record:
    reranker = replace(record.cell.reranker, name=name)
    return replace(record, cell=replace(record.cell, reranker=reranker))


def _of_first_stage(record: Record, title: str) -> str:
    """The row of the first stage's own order is called as the first stage is in headings."""
    name = record.cell.reranker.name
    if name == GENERIC_FIRST_STAGE:
        return title
    told_apart = title.removeprefix(derived.first_stage(record))
    return name + told_apart
