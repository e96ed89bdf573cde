"""Printed averages against the columns that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench.audit.findings import Finding, about, some
from rerankbench.audit.tables import Cell, Row, Table

_COUNT = re.compile(r"\bof (\d+)\b")
_EXACT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """An average column and the columns that it is the mean of; both are places."""

    average: int
    columns: tuple[int, ...]


def averages(table: Table) -> Iterator[Finding]:
    """Rows whose printed average is not the mean of their columns."""
    for basis in bases(table):
        whole = [row for row in table.rows if is_complete(row, basis)]
        wrong = [row for row in whole if not _agrees(row, basis)]
        name = table.columns[basis.average].name
        if len(wrong) > 1 and 2 * len(wrong) > len(whole):
            if not _without_one(whole, basis):
                yield about(
                    table,
                    None,
                    name,
                    check="average",
                    severity="warning",
                    message=f"is not the mean of the {len(basis.columns)} columns beside it in "
                    f"{len(wrong)} of {len(whole)} rows; say what it is the mean of",
                )
            continue
        for row in wrong:
            yield _wrong(table, row, basis)
        yield from _partial(table, basis)


def bases(table: Table) -> Iterator[Basis]:
    """An average stands for the columns under its own outer heading, or for all of them."""
    for average in table.of_kind("average"):
        column = table.columns[average]
        quality = table.of_kind("quality")
        own = [at for at in quality if table.columns[at].group == column.group]
        columns = own if len(own) > 1 else quality
        count = _COUNT.search(column.name)
        # "Average of 16" beside 8 columns: the others stand in another table.
        if len(columns) > 1 and (count is None or int(count[1]) == len(columns)):
            yield Basis(average=average, columns=tuple(columns))


def numbers(row: Row, columns: Sequence[int]) -> list[Cell]:
    """The row's cells in these columns, as far as they hold numbers."""
    return [row.cells[at] for at in columns if row.cells[at].number is not None]


def is_complete(row: Row, basis: Basis) -> bool:
    """Whether neither the average nor any of its columns is blank."""
    every = (basis.average, *basis.columns)
    return len(numbers(row, every)) == len(every)


def _agrees(row: Row, basis: Basis, left_out: int | None = None) -> bool:
    cells = numbers(row, [at for at in basis.columns if at != left_out])
    return _is_mean(row.cells[basis.average], cells)


def _is_mean(average: Cell, cells: Sequence[Cell]) -> bool:
    """Whether rounding alone can part them; an average in percent of shares is one too."""
    assert average.number is not None
    mean = mean_of(cells)
    slack = fmean(cell.half_unit for cell in cells)
    return any(
        abs(average.number - scale * mean) <= average.half_unit + scale * slack + _EXACT
        for scale in (1, 100)
    )


def mean_of(cells: Sequence[Cell]) -> float:
    """The mean of their numbers."""
    return fmean(cell.number for cell in cells if cell.number is not None)


def _without_one(rows: Sequence[Row], basis: Basis) -> bool:
    """Whether the same column is left out in all rows, as in-domain collections often are."""
    return len(basis.columns) > 2 and any(
        all(_agrees(row, basis, left_out) for row in rows) for left_out in basis.columns
    )


def _wrong(table: Table, row: Row, basis: Basis) -> Finding:
    printed = row.cells[basis.average]
    expected = f"{mean_of(numbers(row, basis.columns)):.{printed.decimals}f}"
    hint = _hint(table, row, basis)
    return about(
        table,
        row,
        table.columns[basis.average].name,
        check="average",
        severity="error",
        printed=printed.text,
        expected=expected,
        message=f"printed {printed.text}, its {len(basis.columns)} columns give {expected}{hint}",
    )


def _hint(table: Table, row: Row, basis: Basis) -> str:
    """What else gives the printed value; any of it may be chance."""
    printed = row.cells[basis.average]
    hints = [
        f"without {table.columns[at].name} they give {printed.text}"
        for at in (basis.columns if len(basis.columns) > 2 else ())
        if _agrees(row, basis, at)
    ]
    hints += [
        f"with {table.columns[at].name} they give {printed.text}"
        for at in table.of_kind("quality")
        if at not in basis.columns
        and row.cells[at].number is not None
        and _is_mean(printed, numbers(row, [*basis.columns, at]))
    ]
    same = [
        other.full_name
        for other in table.rows
        if other is not row and other.cells[basis.average].number == printed.number
    ]
    hints += [f"{printed.text} is also printed for {some(same)}"] if same else []
    return f" ({'; '.join(hints)})" if hints else ""


def _partial(table: Table, basis: Basis) -> Iterator[Finding]:
    """Means over the columns that happen to be filled."""
    for row in table.rows:
        cells = numbers(row, basis.columns)
        average = row.cells[basis.average]
        if average.number is None or not 1 < len(cells) < len(basis.columns):
            continue
        if _is_mean(average, cells):
            yield about(
                table,
                row,
                table.columns[basis.average].name,
                check="partial-average",
                severity="warning",
                printed=average.text,
                message=f"{average.text} is the mean of the {len(cells)} columns that are filled, "
                f"of {len(basis.columns)}; it compares with no other row's",
            )
