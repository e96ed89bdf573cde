"""JSON lines, and a JSON list of objects, as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from rerankbench.errors import InputError
from rerankbench.files.whole import open_bytes, read_lines
from rerankbench.interchange.convert.tables import Row, Table, flattened

_SEEN_FOR_COLUMNS = 1_000
_MOST_BYTES = 2**30
"""A list is read as a whole; lines are read as they go."""
_OBJECTS = 'every line is one JSON object such as {"query": "…", "passage": "…", "label": 1}'


def open_json(path: Path) -> Table:
    """Lines of objects, or one list of them. Raises InputError, also while rows are read.

    The columns are the keys of the first 1,000 objects, those within objects under dotted names.
    """
    is_list = _starts_with_a_list(path)
    objects = _list(path) if is_list else []

    def read() -> Iterator[Row]:
        return iter(objects) if is_list else _lines(path)

    columns = {key: None for _, values in islice(read(), _SEEN_FOR_COLUMNS) for key in values}
    if not columns:
        raise InputError(path, "holds no rows", remedy="see that it is the file that you mean")
    return Table(
        path=path,
        columns=tuple(columns),
        unit="row" if is_list else "line",
        read=lambda wanted: read(),
    )


def _starts_with_a_list(path: Path) -> bool:
    with open_bytes(path) as handle:
        return handle.read(1_000).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"["


def _list(path: Path) -> list[Row]:
    text = "\n".join(line for _, line in read_lines(path, most_bytes=_MOST_BYTES))
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(path, f"is not JSON ({error})", remedy="write it again") from None
    return [(at, _object(path, None, value)) for at, value in enumerate(values, start=1)]


def _lines(path: Path) -> Iterator[Row]:
    for number, line in read_lines(path):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            problem = f"is not JSON ({error})"
            raise InputError(path, problem, line=number, remedy=_OBJECTS) from None
        yield number, _object(path, number, value)


def _object(path: Path, number: int | None, value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        problem = f"holds a {type(value).__name__}, not an object"
        raise InputError(path, problem, line=number, remedy=_OBJECTS)
    return flattened(value)
