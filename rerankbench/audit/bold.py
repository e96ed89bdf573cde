"""Bold figures that are not the best of their column or row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rerankbench.audit.columns import direction
from rerankbench.audit.findings import Finding, about
from rerankbench.audit.tables import PrintedRow, PrintedTable, with_numbers

_FEWEST = 3
"""From this many figures on, it is no coincidence if the bold one is always the worst."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figure:
    """A figure that may be bold; `rival` is its name among those that it is compared with."""

    row: PrintedRow
    column: int
    value: float
    is_bold: bool
    rival: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Figures of which the best is bold; `direction` is empty if nothing states it."""

    figures: tuple[_Figure, ...]
    direction: str

    @property
    def marked(self) -> list[_Figure]:
        return [figure for figure in self.figures if figure.is_bold]

    def best(self, *, lower: bool) -> _Figure:
        key = min if lower else max
        return key(self.figures, key=lambda figure: figure.value)

    def wrong(self, *, lower: bool = False) -> list[_Figure]:
        """Bold figures that are not the best."""
        best = self.best(lower=lower or self.direction == "lower")
        return [figure for figure in self.marked if figure.value != best.value]


def not_the_best(table: PrintedTable) -> Iterator[Finding]:
    """Bold figures that are not the best.

    Bold marks the best of a column if one figure (or several equal ones) is bold in every
    block of it, or one in all; it marks the best of a row if one is bold in every row, and
    that explains more, or the rows are collections. A row that is bold throughout is highlighted
    itself.
    """
    rows, columns = _by_row(table), _by_column(table)
    groups = rows if table.lists_collections or _fits_better(rows, columns) else columns
    lower = _is_lower_throughout(groups)
    for group in groups:
        best = group.best(lower=lower or group.direction == "lower")
        for figure in group.wrong(lower=lower):
            yield about(
                table,
                figure.row,
                table.columns[figure.column].name,
                check="bold",
                severity="warning",
                printed=figure.row.cells[figure.column].text,
                expected=best.row.cells[best.column].text,
                message=f"{figure.row.cells[figure.column].text} is bold, "
                f"{best.row.cells[best.column].text} ({best.rival}) is better",
            )


def _fits_better(rows: Sequence[_Group], columns: Sequence[_Group]) -> bool:
    """Whether bold marks the best of each row rather than of each column."""
    if not rows:
        return False
    wrong = [sum(len(group.wrong()) for group in groups) for groups in (rows, columns)]
    return wrong[1] > 1 and 2 * wrong[0] < wrong[1]


def _is_lower_throughout(groups: Sequence[_Group]) -> bool:
    """Whether the lowest is bold in every group, and none says that higher is better."""
    telling = [group for group in groups if len(group.figures) >= _FEWEST]
    return (
        len(telling) > 1
        and all(group.direction != "higher" for group in groups)
        and not any(group.wrong(lower=True) for group in groups)
    )


def _by_column(table: PrintedTable) -> list[_Group]:
    """Groups of figures in one column: its blocks, or else the whole column.

    Empty if bold means something else.
    """
    all_groups = []
    for at in table.of_kind("quality", "average"):
        rows = with_numbers(table.one_of_many, at)
        for parts in (table.blocks(rows), [rows]):
            groups = [_column_group(table, at, part) for part in parts if part]
            if all(_marks_one(group) for group in groups):
                all_groups += [group for group in groups if len(group.figures) > 1]
                break
    return all_groups


def _column_group(table: PrintedTable, at: int, rows: Sequence[PrintedRow]) -> _Group:
    lower = table.is_lower_better(at)
    stated = direction(table.columns[at].name)
    return _Group(
        figures=tuple(_figure(row, at, row.name) for row in rows),
        direction="lower" if lower else stated,
    )


def _by_row(table: PrintedTable) -> list[_Group]:
    """Groups of figures in one row; none unless every row has a bold one. Means are kept apart."""
    places = table.of_kind("quality", "average")
    groups = []
    for row in table.rows:
        filled = [at for at in places if row.cells[at].number is not None]
        if len(filled) > 1:
            figures = tuple(_figure(row, at, table.columns[at].name) for at in filled)
            lower = all(table.is_lower_better(at) for at in filled)
            stated = direction(row.full_name) or ("lower" if lower else "")
            groups.append(_Group(figures=figures, direction=stated))
    own = [group for group in groups if group.figures[0].row.is_one_of_many]
    chosen = groups if any(group.marked for group in own) else []
    if not chosen:
        chosen = [group for group in groups if group.figures[0].row.is_average]
    marked = [group for group in chosen if group.marked]
    one_each = all(_marks_one(group) for group in marked)
    every = sum(bool(group.marked) for group in own) in (0, len(own))
    return marked if one_each and every and len(own) > 1 else []


def _marks_one(group: _Group) -> bool:
    """Whether one figure is bold, or several equal ones, and not because the whole row is."""
    values = {figure.value for figure in group.marked}
    return len(values) == 1 and not any(_is_marked(figure.row) for figure in group.marked)


def _figure(row: PrintedRow, at: int, rival: str) -> _Figure:
    cell = row.cells[at]
    return _Figure(row=row, column=at, value=cell.value, is_bold=cell.bold, rival=rival)


def _is_marked(row: PrintedRow) -> bool:
    """Whether the whole row is bold."""
    return all(cell.bold for cell in row.cells if cell.text)
