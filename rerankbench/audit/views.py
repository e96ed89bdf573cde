"""A table as lines of cells: one line a row, or one a column if a row has the means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from rerankbench.audit import names
from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.tables import PrintedTable, with_numbers

Role: TypeAlias = Literal["average", "perhaps", "term", "number", "none"]
"""`perhaps`: a mean if its figures agree; `number`: a term if the mean's figures agree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPosition:
    """A cell's position in every line: what its name says, and the heading over it.

    `says_of_what`: the name of a mean says what it is over.
    """

    name: str
    role: Role
    group: tuple[str, ...] = ()
    lower: bool = False
    says_of_what: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewLine:
    """One line of cells, with the name of its row (or column)."""

    line: int
    name: str
    cells: tuple[PrintedCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A table by rows or by columns; `unit` says which of them its places are.

    `doubtful`: a place that looks like a mean may be something else, such as a method's name.
    """

    unit: Literal["columns", "rows"]
    places: tuple[CellPosition, ...]
    lines: tuple[ViewLine, ...]
    doubtful: bool = False

    def of_role(self, *roles: Role) -> list[int]:
        """The indices of the places with these roles."""
        return [at for at, place in enumerate(self.places) if place.role in roles]


def by_rows(table: PrintedTable) -> View:
    """Lines are the table's rows, places its columns."""
    roles: dict[str, Role] = {"average": "average", "quality": "term", "number": "number"}
    places = []
    for at, column in enumerate(table.columns):
        role = roles.get(column.kind, "number" if _may_be_shares(table, at) else "none")
        if role in ("term", "number") and names.may_name_average(column.headings[-1]):
            role = "perhaps"
        places.append(
            CellPosition(
                name=column.name,
                role=role,
                group=column.group,
                lower=table.is_lower_better(at),
                says_of_what=names.names_others(column.headings[-1]),
            )
        )
    figures = [place for place in places if place.role != "none"]
    ends = (figures[0], figures[-1]) if figures else ()
    inside = any(place.role == "average" for place in figures if place not in ends)
    single_mean = sum(place.role == "average" for place in figures) == 1
    return View(
        unit="columns",
        places=tuple(places),
        lines=tuple(
            ViewLine(line=row.line, name=row.full_name, cells=row.cells) for row in table.rows
        ),
        # If rows are collections, columns are systems, one of which may be a mean of runs; and
        # a mean is rarely placed between its terms.
        doubtful=table.lists_collections
        or (inside and single_mean and not any(any(place.group) for place in figures))
        # `Mean ± std` says how it was measured.
        or any(names.names_statistic(each.name) for each in figures if each.role != "perhaps"),
    )


def _may_be_shares(table: PrintedTable, at: int) -> bool:
    """Whether a column that its heading tells apart holds figures as qualities do: `Price QA`."""
    numbers = [row.cells[at] for row in with_numbers(table.rows, at)]
    return (
        table.columns[at].kind in ("other", "speed")
        and any(cell.decimals for cell in numbers)
        and all(abs(cell.value) <= 100 and cell.unit in ("", "%") for cell in numbers)
    )


def by_columns(table: PrintedTable) -> View:
    """Lines are the table's columns of figures, places its rows."""
    places = tuple(
        CellPosition(
            name=row.full_name,
            role="average" if row.is_average else "term" if row.is_one_of_many else "none",
            group=(row.block,),
        )
        for row in table.rows
    )
    lines = tuple(
        ViewLine(
            line=table.line,
            name=column.name,
            cells=tuple(row.cells[at] for row in table.rows),
        )
        for at, column in enumerate(table.columns)
        if column.kind in ("quality", "average", "number")
    )
    heading = table.names_heading
    rows_may_be_collections = not heading or names.names_collections(heading)
    doubtful = not (rows_may_be_collections and table.lists_collections) or any(
        names.names_statistic(row.name) for row in table.one_of_many
    )
    return View(unit="rows", places=places, lines=lines, doubtful=doubtful)
