"""Tables as files hold them: columns, and rows that are read as they go."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rerankbench.errors import InputError

Row: TypeAlias = tuple[int, Mapping[str, Any]]
"""Where it stands (a line's or a row's number, from 1), and its values by column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One file of rows. `read` takes the columns that are wanted, and may give others too."""

    path: Path
    columns: tuple[str, ...]
    unit: Literal["line", "row"]
    read: Callable[[Collection[str]], Iterator[Row]]

    def error(self, number: int, problem: str, remedy: str = "") -> InputError:
        """What is wrong with a row, in one line that leads there."""
        if self.unit == "line":
            return InputError(self.path, problem, line=number, remedy=remedy)
        return InputError(self.path, f"row {number}: {problem}", remedy=remedy)

    def place(self, number: int) -> str:
        return f"{self.unit} {number}"


def unique_columns(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """The names of a heading, those that are empty by their number. Raises InputError for two."""
    columns = tuple(name.strip() or f"column {at}" for at, name in enumerate(names, start=1))
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        remedy = "call one of them otherwise"
        raise InputError(path, f"two columns are called '{twice[0]}'", line=1, remedy=remedy)
    return columns


def flattened(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Values within objects under dotted names: {"a": {"b": 1}} gives {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = value
    return flat
