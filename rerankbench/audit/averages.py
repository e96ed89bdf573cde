"""Printed averages against the columns or rows that they average."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.audit.findings import Finding, Severity, about
from rerankbench.audit.means import Basis, bases, is_mean
from rerankbench.audit.tables import PrintedTable
from rerankbench.audit.views import View, ViewLine, by_columns, by_rows
from rerankbench.errors import some


def averages(table: PrintedTable) -> Iterator[Finding]:
    """Rows whose printed average is not the mean of their columns, and columns likewise."""
    for view in (by_rows(table), by_columns(table)):
        for basis in bases(view):
            yield from _of_basis(table, view, basis)


def _of_basis(table: PrintedTable, view: View, basis: Basis) -> Iterator[Finding]:
    complete = [line for line in view.lines if basis.is_complete(line)]
    wrong = [line for line in complete if not basis.agrees(line)]
    if len(wrong) > 1 and 2 * len(wrong) > len(complete):
        if not (_without_one(complete, basis) or view.places[basis.average].says_of_what):
            yield _unlike(table, view, basis, len(wrong), len(complete))
        return
    for line in wrong:
        yield _wrong(table, view, basis, line)
    yield from _partial(table, view, basis)


def _finding(
    table: PrintedTable,
    view: View,
    basis: Basis,
    line: ViewLine,
    check: str,
    severity: Severity,
    message: str,
    expected: str = "",
) -> Finding:
    """A finding about one printed mean: on its row's line, or on that of the row of means."""
    if view.unit == "columns":
        row, column = table.rows[view.lines.index(line)], view.places[basis.average].name
    else:
        row, column = table.rows[basis.average], line.name
    return about(
        table,
        row,
        column,
        check=check,
        severity=severity,
        printed=line.cells[basis.average].text,
        expected=expected,
        message=message,
    )


def _unlike(table: PrintedTable, view: View, basis: Basis, wrong: int, whole: int) -> Finding:
    terms = "columns beside it" if view.unit == "columns" else "rows above it"
    lines = "rows" if view.unit == "columns" else "columns"
    column = view.places[basis.average].name if view.unit == "columns" else ""
    return about(
        table,
        None if view.unit == "columns" else table.rows[basis.average],
        column,
        check="average",
        severity="warning",
        message=f"is not the mean of the {len(basis.terms)} {terms} in {wrong} of {whole} "
        f"{lines}; say what it is the mean of",
    )


def _without_one(lines: Sequence[ViewLine], basis: Basis) -> bool:
    """Whether one term is missing in all lines, as in-domain collections often are."""
    return len(basis.terms) > 2 and any(
        all(basis.agrees(line, left_out) for line in lines) for left_out in basis.terms
    )


def _wrong(table: PrintedTable, view: View, basis: Basis, line: ViewLine) -> Finding:
    expected = basis.expected(line)
    weighted = ", weighted by their counts," if basis.weights else ""
    message = (
        f"printed {line.cells[basis.average].text}, its {len(basis.terms)} {view.unit}{weighted} "
        f"give {expected}{_hint(view, basis, line)}"
    )
    if basis.likely:
        message += f"; is {view.places[basis.average].name} their mean, as in the other row?"
    severity: Severity = "note" if basis.likely else "error"
    return _finding(table, view, basis, line, "average", severity, message, expected)


def _hint(view: View, basis: Basis, line: ViewLine) -> str:
    """Which other sets give the printed value; any of them may be a coincidence."""
    printed = line.cells[basis.average]
    hints = [
        f"without {view.places[at].name} they give {printed.text}"
        for at in (basis.terms if len(basis.terms) > 2 else ())
        if basis.agrees(line, at)
    ]
    hints += [
        f"with {view.places[at].name} they give {printed.text}"
        for at in view.of_role("term")
        if at not in basis.terms
        and line.cells[at].number is not None
        and is_mean(printed, [*basis.cells(line), line.cells[at]])
    ]
    same = [
        other.name
        for other in view.lines
        if other is not line and other.cells[basis.average].number == printed.number
    ]
    hints += [f"{printed.text} is also printed for {some(same)}"] if same else []
    return f" ({'; '.join(hints)})" if hints else ""


def _partial(table: PrintedTable, view: View, basis: Basis) -> Iterator[Finding]:
    """Means over only those figures that are filled."""
    if basis.weights or basis.likely:
        return
    for line in view.lines:
        cells = basis.cells(line)
        average = line.cells[basis.average]
        unread = any(line.cells[at].is_unread for at in basis.terms)
        if average.number is None or unread or not 1 < len(cells) < len(basis.terms):
            continue
        if is_mean(average, cells):
            message = (
                f"{average.text} is the mean of the {len(cells)} {view.unit} that are filled, "
                f"of {len(basis.terms)}; it compares with no other "
                f"{'row' if view.unit == 'columns' else 'column'}'s"
            )
            yield _finding(table, view, basis, line, "partial-average", "warning", message)
