"""Reads BEIR's JSON lines one entry at a time with precise errors, and finds entries by id."""

from __future__ import annotations

import io
import json
import re
from array import array
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rerankbench.errors import InputError
from rerankbench.files.texts import id_problem
from rerankbench.files.whole import open_bytes, read_lines

_ONE_OBJECT = 'every line is one JSON object such as {"_id": "d1", "title": "", "text": "…"}'
_AGAIN = "fetch the file again"
_LEADING_ID = re.compile(rb'\s*\{\s*"_id"\s*:\s*"([!#-\[\]-~]+)"\s*[,}]')
"""An ASCII id without escapes as the first key: all but a few lines of all BEIR files."""


class JsonlEntry(NamedTuple):
    """One line of `corpus.jsonl` or `queries.jsonl`; `title` is empty for queries.

    A tuple, not a dataclass, because millions are created and dropped.
    """

    line: int
    entry_id: str
    title: str
    text: str


def read_entries(path: Path) -> Iterator[JsonlEntry]:
    """Every entry of a plain or gzipped file, with its line number from 1.

    Raises InputError naming the line unless it is a JSON object with a usable `_id`, or if
    title or text is not a string; missing or null ones are empty.
    """
    for number, line in read_lines(path):
        yield parse_entry(path, number, line)


def parse_entry(path: Path, number: int, line: str) -> JsonlEntry:
    """The entry on one line. Raises InputError as `read_entries` does."""
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise _not_json(path, number, line, error) from None
    except (ValueError, RecursionError) as error:
        # Python refuses integers of thousands of digits and nesting of thousands of levels.
        problem = f"is JSON that cannot be read ({error})"
        raise InputError(path, problem, line=number or None, remedy=_ONE_OBJECT) from None
    if not isinstance(values, dict):
        problem = f"is a JSON {_kind(values)}, not an object"
        raise InputError(path, problem, line=number or None, remedy=_ONE_OBJECT)
    return JsonlEntry(
        number,
        _entry_id(path, number, values),
        _string(path, number, values, "title"),
        _string(path, number, values, "text"),
    )


def _not_json(path: Path, number: int, line: str, error: json.JSONDecodeError) -> InputError:
    cut_off = error.pos >= len(line.rstrip()) or error.msg.startswith("Unterminated string")
    if cut_off and line.lstrip().startswith("{"):
        return InputError(path, "the JSON object is cut off", line=number or None, remedy=_AGAIN)
    problem = f"is not JSON (column {error.colno}: {error.msg})"
    return InputError(path, problem, line=number or None, remedy=_ONE_OBJECT)


def _entry_id(path: Path, number: int, values: dict[str, Any]) -> str:
    value = values.get("_id")
    if value is None:
        raise InputError(path, 'has no "_id"', line=number or None, remedy=_ONE_OBJECT)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        problem = f'"_id" is a {_kind(value)}, not a string'
        raise InputError(path, problem, line=number or None, remedy=_ONE_OBJECT)
    problem = id_problem(value)
    if problem:
        remedy = "change it here and in the qrels: TREC files separate their columns by blanks"
        raise InputError(path, problem, line=number or None, remedy=remedy)
    return value


def is_gzipped(path: Path) -> bool:
    """Whether a file is gzipped, by its first bytes. Raises InputError where it cannot be read."""
    with open_bytes(path) as handle:
        return not isinstance(getattr(handle, "raw", None), io.FileIO)


def _string(path: Path, number: int, values: dict[str, Any], key: str) -> str:
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        problem = f'"{key}" is a {_kind(value)}, not a string'
        raise InputError(path, problem, line=number or None, remedy=_ONE_OBJECT)
    return value


def _kind(value: object) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "truth value", type(None): "null"}
    return names.get(type(value), "number")


class OffsetIndex:
    """The offset of each entry in a plain file, in 16 bytes an entry whatever the ids' length.

    Keys are Python's own hashes of the ids, which differ from process to process; two ids may
    share one, so entries are compared with the requested ids.
    """

    def __init__(self, path: Path) -> None:
        """Read the file once, for its ids only. Raises InputError where a line has none."""
        keys, offsets, offset = array("q"), array("q"), 0
        with open_bytes(path) as handle:
            for number, raw in enumerate(handle, start=1):
                if raw.strip():
                    keys.append(hash(_quick_id(path, number, raw)))
                    offsets.append(offset)
                offset += len(raw)
        self._path = path
        self._keys = np.frombuffer(keys, dtype=np.int64)
        order = np.argsort(self._keys, kind="stable")
        self._keys = self._keys[order]
        self._offsets = np.frombuffer(offsets, dtype=np.int64)[order]

    def read(self, ids: AbstractSet[str]) -> Iterator[JsonlEntry]:
        """The entries with those ids, in the file's order; missing ids are left out.

        Their `line` is 0, because it is unknown here.
        """
        keys = np.unique(np.array([hash(entry_id) for entry_id in ids], dtype=np.int64))
        first = np.searchsorted(self._keys, keys, side="left")
        last = np.searchsorted(self._keys, keys, side="right")
        places = np.concatenate(
            [self._offsets[a:b] for a, b in zip(first, last, strict=True)] or [self._offsets[:0]]
        )
        with open_bytes(self._path) as handle:
            for offset in np.sort(places).tolist():
                handle.seek(offset)
                entry = parse_entry(self._path, 0, _decoded(self._path, 0, handle.readline()))
                if entry.entry_id in ids:
                    yield entry


def _quick_id(path: Path, number: int, raw: bytes) -> str:
    # Parsing the text only to find the id takes ten times as long.
    match = _LEADING_ID.match(raw)
    if match:
        return match[1].decode("ascii")
    return parse_entry(path, number, _decoded(path, number, raw)).entry_id


def _decoded(path: Path, number: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is not UTF-8"
        raise InputError(
            path, problem, line=number or None, remedy="convert the file to UTF-8"
        ) from None
