"""Reads files of one value with a schema number: tasks, and the answers of judges."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from rerankbench.errors import InputError, NewerFileError
from rerankbench.files.whole import open_bytes

Held = TypeVar("Held")


def read(path: Path, adapter: TypeAdapter[Held], schema: int, *, fault: str, remedy: str) -> Held:
    """The value in a file, plain or gzipped.

    Raises NewerFileError for a schema above `schema`, and InputError with `fault` and
    `remedy` for any other content.
    """
    try:
        with open_bytes(path) as handle:
            body = handle.read()
        return adapter.validate_json(body)
    except ValidationError:
        _refuse_newer(path, body, schema)
        raise InputError(path, fault, remedy=remedy) from None
    except (EOFError, OSError, zlib.error):
        raise InputError(path, fault, remedy=remedy) from None


def _refuse_newer(path: Path, body: bytes, known: int) -> None:
    try:
        value = json.loads(body)
    except (RecursionError, ValueError):
        return
    schema = value.get("schema") if isinstance(value, dict) else None
    if type(schema) is int and schema > known:
        raise NewerFileError(path, schema, known)
