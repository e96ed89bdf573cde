"""What people call a first stage: `bm25`, `splade`, `bm25 (k1 1.2, b 0.75)`.

A run file goes by its file's name without the collection's. Where first stages of one name differ,
the parameters in which they differ stand behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rerankbench.results import derived
from rerankbench.types import Record, TaskKey, slug

# What a run file is of differs between collections by nature.
_OF_THE_FILE = ("file", "path", "sha256")
_LONGEST_VALUE = 24
_HASH_CHARACTERS = 7


def titles(records: Iterable[Record]) -> dict[TaskKey, str]:
    """Task → the name of its first stage, told apart from all others of these records."""
    firsts: dict[TaskKey, Record] = {}
    for record in records:
        firsts.setdefault(record.task, record)
    alike: dict[str, list[Record]] = {}
    for record in firsts.values():
        alike.setdefault(slug(derived.first_stage(record)), []).append(record)
    return {
        record.task: _title(record, several) for several in alike.values() for record in several
    }


def _title(record: Record, alike: Iterable[Record]) -> str:
    name, own = derived.first_stage(record), record.cell.first_stage.parameters
    others = [other.cell.first_stage.parameters for other in alike]
    different = [
        key
        for key in dict.fromkeys(key for parameters in (own, *others) for key in parameters)
        if key not in _OF_THE_FILE and len({str(other.get(key)) for other in others}) > 1
    ]
    told = [f"{key} {_shown(own, key)}" for key in different]
    here = derived.collection_slug(record)
    hashes = {
        str(other.cell.first_stage.parameters.get("sha256"))
        for other in alike
        if derived.collection_slug(other) == here
    }
    if len(hashes) > 1:
        told.append(f"file {str(own.get('sha256'))[:_HASH_CHARACTERS]}")
    return f"{name} ({', '.join(told)})" if told else name


def _shown(parameters: Mapping[str, Any], key: str) -> str:
    text = str(parameters.get(key, "unset"))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
