"""Parquet as a table. pyarrow reads it, which is installed with `rerankbench[parquet]`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from rerankbench.errors import InputError
from rerankbench.files.special_files import open_regular
from rerankbench.interchange.convert.tables import Row, Table, flattened, unique_columns

_BATCH = 1_000
_AGAIN = "fetch the file again"


def open_parquet(path: Path) -> Table:
    """A file of parquet, read in batches. Raises InputError, also while rows are read."""
    with open_regular(path):
        pass  # Nothing else is handed to a library that would wait for a pipe.
    # Any: its own types are there only where it is installed.
    arrow, parquet = _module(path, "pyarrow"), _module(path, "pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
    except (arrow.ArrowException, OSError) as error:
        raise _unreadable(path, error) from None
    columns = unique_columns(path, list(_names(arrow, schema)))
    return Table(
        path=path,
        columns=columns,
        unit="row",
        read=lambda wanted: _rows(path, arrow, parquet, _top(schema.names, wanted)),
    )


def _module(path: Path, name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        problem = "is parquet, which only pyarrow reads"
        remedy = "pip install 'rerankbench[parquet]'"
        raise InputError(path, problem, remedy=remedy) from None


def _names(arrow: Any, fields: Any, before: str = "") -> Iterator[str]:
    for field in fields:
        if arrow.types.is_struct(field.type):
            inner = [field.type.field(at) for at in range(field.type.num_fields)]
            yield from _names(arrow, inner, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}"


def _top(names: Sequence[str], wanted: Collection[str]) -> list[str]:
    """The columns to read: embeddings beside the texts would take most of the time."""
    return [
        name
        for name in names
        if any(column == name or column.startswith(f"{name}.") for column in wanted)
    ]


def _rows(path: Path, arrow: Any, parquet: Any, columns: Sequence[str]) -> Iterator[Row]:
    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH, columns=list(columns)):
                for values in batch.to_pylist():
                    number += 1
                    yield number, flattened(values)
    except (arrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return InputError(path, f"cannot be read as parquet ({reason:.120})", remedy=_AGAIN)
