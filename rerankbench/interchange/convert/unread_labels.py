"""A column that holds labels under a name that does not say so.

Without it every row would count as relevant, and nothing would tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from rerankbench.errors import UsageError
from rerankbench.interchange.convert.labels import Labels
from rerankbench.interchange.convert.tables import Table

_SEEN = 1_000
_HIGHEST = 10
"""Grades are small; larger numbers are years, prices or lengths."""


def refuse_unread(table: Table, columns: Sequence[str]) -> None:
    """Raise UsageError where a column that is not read looks as if it told rows apart."""
    for column in columns:
        rows = islice(table.read([column]), _SEEN)
        values = [str(values.get(column)).strip() for _, values in rows]
        found = set(values) - {"", "None", "nan"}
        # What numbers the rows is another in each.
        if _are_labels(found) and not (len(found) == len(values) > 2 and _are_whole(found)):
            some = ", ".join(sorted(found)[:3])
            raise UsageError(
                f"{table.path}: '{column}' looks like labels ({some}); "
                f"--label '{column}' reads it, --label none takes every row as relevant"
            )


def _are_labels(values: set[str]) -> bool:
    """Whether all are small grades, fractions or truth values, and not all say relevant."""
    if not values:
        return False
    try:
        grades = [Labels().grade(value) for value in values]
    except ValueError:
        return all(map(_is_share, values))
    known = [grade for grade in grades if grade is not None]
    return all(-1 <= grade <= _HIGHEST for grade in known) and set(known) - {1} != set()


def _are_whole(values: set[str]) -> bool:
    return all(value.isdecimal() for value in values)


def _is_share(value: str) -> bool:
    try:
        return 0.0 <= float(value) <= 1.0
    except ValueError:
        return False
