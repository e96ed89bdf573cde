"""Raw rows of cells → tables: which rows are headings, which name a block, which hold figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.audit.tables import BLANK, Cell, Column, Row, Table, kind_of, read_cell


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One line of a table as it stands in the file."""

    line: int
    cells: tuple[str, ...]


def to_tables(
    raw: Sequence[RawRow], *, file: str, title: str, headings: int | None = None
) -> list[Table]:
    """The tables in rows that stand together; those without figures are none.

    `headings` says how many rows are headings; None lets the rows without a number be. A row of
    headings further down, with the same first cell, begins another table.
    """
    width = max(len(row.cells) for row in raw)
    lines = [
        (row.line, (*map(read_cell, row.cells), *[BLANK] * (width - len(row.cells))))
        for row in raw
    ]
    head = _heading_rows(lines) if headings is None else headings
    if not 0 < head < len(lines):
        return []
    again = [
        at
        for at in range(head, len(lines))
        if _names_columns(lines[at][1]) and lines[at][1][0].text == lines[0][1][0].text
    ]
    end = again[0] if headings is None and again else len(lines)
    found = _table(lines[:head], lines[head:end], file, title)
    rest = to_tables(raw[end:], file=file, title=title) if end < len(lines) else []
    return [*([found] if found else []), *rest]


_Line = tuple[int, tuple[Cell, ...]]


def _heading_rows(lines: Sequence[_Line]) -> int:
    return next(
        (at for at, (_, cells) in enumerate(lines) if not _names_columns(cells)), len(lines)
    )


def _names_columns(cells: Sequence[Cell]) -> bool:
    """Several texts and no figure."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) > 1 and all(cell.number is None for cell in filled)


def _table(head: Sequence[_Line], body: Sequence[_Line], file: str, title: str) -> Table | None:
    figures = [line for line in body if not _names_block(line[1])]
    headings = _headings([cells for _, cells in head])
    columns = tuple(
        Column(
            headings=headings[at], kind=kind_of(headings[at], [line[1][at] for line in figures])
        )
        for at in range(len(headings))
    )
    if all(column.kind == "text" for column in columns):
        return None
    return Table(
        file=file,
        line=head[0][0],
        title=title or f"the table at line {head[0][0]}",
        columns=columns,
        rows=tuple(_rows(body, columns)),
    )


def _names_block(cells: Sequence[Cell]) -> bool:
    """A single text that is emphasised: the title of the rows below it."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) == 1 and filled[0].number is None and filled[0].emphasised


def _headings(head: Sequence[tuple[Cell, ...]]) -> list[tuple[str, ...]]:
    """The headings of each column; an outer one stands for the blanks to its right too."""
    levels: list[list[str]] = []
    for cells in head[:-1]:
        level, carried = [], ""
        for cell in cells:
            carried = cell.text or carried
            level.append(carried)
        levels.append(level)
    levels.append([cell.text for cell in head[-1]])
    return list(zip(*levels, strict=True))


def _rows(body: Sequence[_Line], columns: Sequence[Column]) -> list[Row]:
    """Rows of figures; a blank name stands for the one above it."""
    texts = [at for at, column in enumerate(columns) if column.kind == "text"]
    figures = next(at for at, column in enumerate(columns) if column.kind != "text")
    names = [at for at in texts if at < figures] or texts[:1]
    rows: list[Row] = []
    title, above = "", [""] * len(names)
    for line, cells in body:
        if _names_block(cells):
            title = next(cell.text for cell in cells if cell.text)
            above = [""] * len(names)
            continue
        own = [cells[at].text for at in names]
        shown = [*(mine or old for mine, old in zip(own[:-1], above, strict=False)), *own[-1:]]
        above = shown
        block = " / ".join(each for each in (title, *shown[:-1]) if each)
        rows.append(Row(line=line, block=block, name=shown[-1] if shown else "", cells=cells))
    return rows
