"""A printed table as readers see it: named rows and columns, and cells.

Nothing is corrected here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.columns import Kind, direction, stated_direction
from rerankbench.audit.names import (
    is_aside,
    is_known_collection,
    names_average_row,
    names_collections,
    names_systems,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedColumn:
    """One column: its headings, outermost first, and the kind of its content."""

    headings: tuple[str, ...]
    kind: Kind

    @property
    def name(self) -> str:
        """All its headings, joined."""
        return " ".join(dict.fromkeys(heading for heading in self.headings if heading))

    @property
    def group(self) -> tuple[str, ...]:
        """The headings above its own."""
        return self.headings[:-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRow:
    """One line of figures; `block` names the rows that it is grouped with.

    `own` are the names on its line.
    """

    line: int
    block: str
    name: str
    cells: tuple[PrintedCell, ...]
    own: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        return " / ".join(part for part in (self.block, self.name) if part)

    @property
    def is_average(self) -> bool:
        """Whether its name says that it is the mean of other rows."""
        return any(map(names_average_row, self.own))

    @property
    def is_one_of_many(self) -> bool:
        """Whether it is a system or a collection, not a mean, count or difference."""
        return not self.is_average and not any(map(is_aside, self.own))


def with_numbers(rows: Iterable[PrintedRow], *places: int) -> list[PrintedRow]:
    """The rows that have a number in each of these columns."""
    return [row for row in rows if all(row.cells[at].number is not None for at in places)]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadPlace:
    """A place in a file without a readable figure, and the reason.

    Without `row` and `column` it is a whole table, without `column` a whole row.
    """

    line: int
    table: str
    why: str
    row: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedTable:
    """One table of a file; `line` is that of its heading, from 1, `around` the text next to it."""

    file: str
    line: int
    title: str
    columns: tuple[PrintedColumn, ...]
    rows: tuple[PrintedRow, ...]
    around: str = ""

    def of_kind(self, *kinds: Kind) -> list[int]:
        """The indices of the columns of these kinds."""
        return [at for at, column in enumerate(self.columns) if column.kind in kinds]

    def blocks(self, rows: Sequence[PrintedRow] | None = None) -> list[list[PrintedRow]]:
        """The rows, or some of them, grouped by block, in order."""
        blocks_by_name: dict[str, list[PrintedRow]] = {}
        for row in self.rows if rows is None else rows:
            blocks_by_name.setdefault(row.block, []).append(row)
        return list(blocks_by_name.values())

    @property
    def one_of_many(self) -> list[PrintedRow]:
        """The rows that compare with each other."""
        return [row for row in self.rows if row.is_one_of_many]

    @property
    def lists_collections(self) -> bool:
        """Whether rows are collections, so that the best of them means nothing.

        Inferred from the heading above their names, from most names, or from a mean over them at
        the beginning or the end.
        """
        heading = self.names_heading
        if names_collections(heading) or names_systems(heading):
            return names_collections(heading)
        ends = any(row.is_average for row in (*self.rows[:1], *self.rows[-1:]))
        known = sum(is_known_collection(row.name) for row in self.one_of_many)
        return ends or 2 * known > len(self.one_of_many)

    @property
    def names_heading(self) -> str:
        """The heading above the names of rows: one that says what they are, else the last."""
        figures = [at for at, column in enumerate(self.columns) if column.kind != "text"]
        names = [column.headings[-1] for column in self.columns[: figures[0] if figures else 0]]
        telling = [name for name in names if names_collections(name) or names_systems(name)]
        return next((name for name in reversed(telling or names) if name), "")

    def is_lower_better(self, at: int) -> bool:
        """Whether the lowest value of a column is the best, according to headings or title."""
        stated = direction(self.columns[at].name) or stated_direction(self.around)
        return (stated or direction(self.title)) == "lower"
