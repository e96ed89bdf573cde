"""The same figure printed with two values in two tables of one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.findings import Finding, about
from rerankbench.audit.names import same_name
from rerankbench.audit.tables import PrintedRow, PrintedTable

CELLS = 4
"""Two tables are compared if they share at least this many figures."""
AGREEING = 2 / 3
"""The share of equal figures from which two tables are taken to be of one setting."""
_EXACT = 1e-9


def disagreements(tables: Sequence[PrintedTable]) -> Iterator[Finding]:
    """Figures in which a table differs from another that it otherwise repeats.

    Rows and columns are the same if the same words name them, in any order; the word "average"
    does not count.
    """
    for first, second in combinations(tables, 2):
        shared = list(_shared(first, second))
        unequal = [pair for pair in shared if not _equal(pair[2], pair[4])]
        if len(shared) < CELLS or len(shared) - len(unequal) < AGREEING * len(shared):
            continue
        for _, own_row, own_cell, row, other_cell in unequal:
            yield about(
                second,
                row,
                _column(second, row, other_cell),
                check="disagreement",
                severity="error",
                printed=other_cell.text,
                expected=own_cell.text,
                message=f"printed {other_cell.text}, but {own_cell.text} in {first.title} "
                f"(line {own_row.line}); {len(shared) - len(unequal)} of {len(shared)} shared "
                "figures are equal",
            )


def _shared(
    first: PrintedTable, second: PrintedTable
) -> Iterator[tuple[int, PrintedRow, PrintedCell, PrintedRow, PrintedCell]]:
    rows, columns = _rows(second), _columns(second)
    for words, own_row in _rows(first).items():
        for name, at in _columns(first).items():
            if words in rows and name in columns:
                own_cell, other_cell = own_row.cells[at], rows[words].cells[columns[name]]
                if own_cell.number is not None and other_cell.number is not None:
                    yield at, own_row, own_cell, rows[words], other_cell


def _rows(table: PrintedTable) -> dict[frozenset[str], PrintedRow]:
    """Rows by the words of their names; rows that share a name are left out."""
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


def _equal(first: PrintedCell, second: PrintedCell) -> bool:
    """Whether they are equal to the digits of the coarser one."""
    if first.number is None or second.number is None:
        return False
    # Each is only known to half a unit of its last digit; two of the same digits must be equal.
    slack = 0.0 if first.decimals == second.decimals else max(first.half_unit, second.half_unit)
    return abs(first.number - second.number) <= slack + _EXACT
