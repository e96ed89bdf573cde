"""The same figure in two tables of one file, with two values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.findings import Finding, about
from rerankbench.audit.names import same_name
from rerankbench.audit.tables import PrintedRow, PrintedTable

CELLS = 4
"""The fewest figures that two tables must share."""
AGREEING = 2 / 3
"""The share of them that must agree; tables of other settings share headings, not figures."""
_EXACT = 1e-9


def disagreements(tables: Sequence[PrintedTable]) -> Iterator[Finding]:
    """Figures in which a table departs from another that it otherwise repeats.

    Rows and columns are the same where the same words name them, in whatever order; "average"
    is no such word.
    """
    for first, second in combinations(tables, 2):
        shared = list(_shared(first, second))
        unequal = [pair for pair in shared if not _equal(pair[2], pair[4])]
        if len(shared) < CELLS or len(shared) - len(unequal) < AGREEING * len(shared):
            continue
        for _, mine, ours, row, theirs in unequal:
            yield about(
                second,
                row,
                _column(second, row, theirs),
                check="disagreement",
                severity="error",
                printed=theirs.text,
                expected=ours.text,
                message=f"printed {theirs.text}, but {ours.text} in {first.title} "
                f"(line {mine.line}); {len(shared) - len(unequal)} of {len(shared)} shared "
                "figures are equal",
            )


def _shared(
    first: PrintedTable, second: PrintedTable
) -> Iterator[tuple[int, PrintedRow, PrintedCell, PrintedRow, PrintedCell]]:
    rows, columns = _rows(second), _columns(second)
    for words, mine in _rows(first).items():
        for name, at in _columns(first).items():
            if words in rows and name in columns:
                ours, theirs = mine.cells[at], rows[words].cells[columns[name]]
                if ours.number is not None and theirs.number is not None:
                    yield at, mine, ours, rows[words], theirs


def _rows(table: PrintedTable) -> dict[frozenset[str], PrintedRow]:
    """Rows by the words of their names; those that share a name with another are left out."""
    names = [same_name(row.full_name) for row in table.rows]
    counts = Counter(names)
    return {name: row for name, row in zip(names, table.rows, strict=True) if counts[name] == 1}


def _columns(table: PrintedTable) -> dict[frozenset[str], int]:
    figures = table.of_kind("quality", "average", "speed", "number", "other")
    names = {at: same_name(table.columns[at].name) for at in figures}
    counts = Counter(names.values())
    return {name: at for at, name in names.items() if counts[name] == 1 and name}


def _column(table: PrintedTable, row: PrintedRow, cell: PrintedCell) -> str:
    return table.columns[next(at for at, other in enumerate(row.cells) if other is cell)].name


def _equal(one: PrintedCell, other: PrintedCell) -> bool:
    """Equal to the digits of the coarser one."""
    if one.number is None or other.number is None:
        return False
    # Each is only known to half a unit of its last digit; two of the same digits must be equal.
    slack = 0.0 if one.decimals == other.decimals else max(one.half_unit, other.half_unit)
    return abs(one.number - other.number) <= slack + _EXACT
