"""Turns raw rows of cells into tables: which are headings, block titles or rows of figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rerankbench.audit.cells import PrintedCell, own_point, read_cell
from rerankbench.audit.columns import Kind, kind_of
from rerankbench.audit.means import bases
from rerankbench.audit.names import is_aside, names_average_row
from rerankbench.audit.tables import PrintedColumn, PrintedRow, PrintedTable, UnreadPlace
from rerankbench.audit.views import by_rows

_SPAN = re.compile(r"\b(ci|intervals?|ranges?|low|high)\b|≤|≥", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One line of a table, as in the file."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The tables made of some rows, and the places that are in none."""

    tables: tuple[PrintedTable, ...] = ()
    unread: tuple[UnreadPlace, ...] = ()


_Line = tuple[int, tuple[PrintedCell, ...]]


def to_tables(
    raw: Sequence[RawRow], *, file: str, title: str, headings: int | None = None, around: str = ""
) -> Grid:
    """The tables in neighbouring rows; rows without figures give none.

    `headings` is the least number of heading rows; None takes the rows without a number. A
    heading row further down, with the same first cell, begins another table. `around` is the
    text next to the table.
    """
    title = title or f"the table at line {raw[0].line}"
    width = max(len(row.cells) for row in raw[:headings])
    fitting = [row for row in raw if len(row.cells) <= width]
    lines = _read(fitting, width)
    head = _heading_rows(lines, headings)
    if not 0 < head < len(lines):
        return Grid(unread=tuple(_without_figures(raw, title)))
    end = next(
        (at for at in range(head, len(lines)) if _repeats(lines[at][1], lines[0][1])),
        len(lines),
    )
    table = _table(lines[:head], lines[head:end], file, title)
    table = table and replace(table, around=around)
    last = fitting[end].line if end < len(fitting) else raw[-1].line + 1
    odd = [
        _uneven(row, width, title)
        for row in raw[head:]
        if row.line < last and (row not in fitting or (headings and _is_short(row, width)))
    ]
    if table is None:
        grid = Grid(unread=tuple(_without_figures(raw, title)))
    else:
        unread = sorted((*_unread(table), *odd), key=lambda place: place.line)
        grid = Grid(tables=(table,), unread=tuple(unread))
    if end == len(lines):
        return grid
    rest = [row for row in raw if row.line >= last]
    more = to_tables(rest, file=file, title=title, headings=headings and 1, around=around)
    return Grid(tables=(*grid.tables, *more.tables), unread=(*grid.unread, *more.unread))


def _read(raw: Sequence[RawRow], width: int) -> list[_Line]:
    """Cells with their numbers; columns whose figures have decimal commas are read with commas."""
    padded = [(*row.cells, *[""] * (width - len(row.cells))) for row in raw]
    points_by_column = [
        [own_point(cell) for cell in column] for column in zip(*padded, strict=True)
    ]
    all_points = [point for column in points_by_column for point in column]
    usual = "," if "," in all_points and "." not in all_points else "."
    points = [
        max(",.", key=column.count) if column.count(",") != column.count(".") else usual
        for column in points_by_column
    ]
    return [
        (
            row.line,
            tuple(read_cell(cell, point) for cell, point in zip(cells, points, strict=True)),
        )
        for row, cells in zip(raw, padded, strict=True)
    ]


def _is_short(row: RawRow, width: int) -> bool:
    """Whether the row has figures, but fewer cells than headings."""
    return len(row.cells) < width and any(read_cell(cell).number is not None for cell in row.cells)


def _uneven(row: RawRow, width: int, title: str) -> UnreadPlace:
    name = read_cell(row.cells[0]).text or f"line {row.line}"
    cells = len(row.cells)
    missing = "" if cells > width else f"the last {width - cells} of its cells; "
    why = f"{missing}it has {cells} cell{'s' * (cells > 1)} under {width} headings"
    return UnreadPlace(line=row.line, table=title, row=name, why=why)


def _without_figures(raw: Sequence[RawRow], title: str) -> Iterator[UnreadPlace]:
    """A note on a table that seems to have figures, but was not read."""
    if any(read_cell(cell).holds_figures for row in raw[1:] for cell in row.cells):
        yield UnreadPlace(
            line=raw[0].line, table=title, why="no column of it holds single figures"
        )


def _heading_rows(lines: Sequence[_Line], least: int | None) -> int:
    """The number of rows above the figures; after `least` rows only rows of names are headings."""
    for at, (_, cells) in enumerate(lines):
        if at < (least or 0):
            continue
        if not _names_columns(cells) or (least and not _is_second_heading(cells)):
            return at
    return len(lines)


def _names_columns(cells: Sequence[PrintedCell]) -> bool:
    """Whether there are several texts and no figure."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) > 1 and all(cell.number is None for cell in filled)


def _is_second_heading(cells: Sequence[PrintedCell]) -> bool:
    """Whether the row names what is below it: its first cell is blank, and nothing is missing."""
    return not cells[0].text and not _misses_some(cells)


def _repeats(cells: Sequence[PrintedCell], head: Sequence[PrintedCell]) -> bool:
    """Whether a row begins another table in the same way as the first."""
    return _names_columns(cells) and cells[0].text == head[0].text and not _misses_some(cells)


def _misses_some(cells: Sequence[PrintedCell]) -> bool:
    return any(cell.is_missing for cell in cells if cell.text)


def _table(
    head: Sequence[_Line], body: Sequence[_Line], file: str, title: str
) -> PrintedTable | None:
    figures = [cells for _, cells in body if not _names_block(cells)]
    # Rows with counts and differences do not say what a column contains.
    telling = [cells for cells in figures if not is_aside(cells[0].text)] or figures
    headings = _headings([cells for _, cells in head])
    columns = tuple(
        PrintedColumn(
            headings=headings[at],
            kind=_kind(headings[at], [row_cells[at] for row_cells in telling]),
        )
        for at in range(len(headings))
    )
    if all(column.kind == "text" for column in columns):
        return None
    rows = tuple(_rows(body, columns))
    table = PrintedTable(file=file, line=head[0][0], title=title, columns=columns, rows=rows)
    return _with_averaged(table)


def _with_averaged(table: PrintedTable) -> PrintedTable:
    """`Delta-QA` and `Price QA` are qualities where a mean over qualities counts them as well."""
    if not table.of_kind("other", "speed"):
        return table
    columns = list(table.columns)
    for basis in bases(by_rows(table)):
        if not basis.likely and any(columns[at].kind == "quality" for at in basis.terms):
            for at in basis.terms:
                if columns[at].kind in ("other", "speed"):
                    columns[at] = replace(columns[at], kind="quality")
    return replace(table, columns=tuple(columns))


def _kind(headings: Sequence[str], cells: Sequence[PrintedCell]) -> Kind:
    """The kind by heading and figures; numbers beside "average" are names of rows."""
    if any(cell.number is None and names_average_row(cell.text) for cell in cells):
        return "text"
    return kind_of(headings, cells)


def _unread(table: PrintedTable) -> Iterator[UnreadPlace]:
    """Columns with several figures a cell, and unreadable cells of other columns."""
    rows = table.rows
    for at, column in enumerate(table.columns):
        cells = [row.cells[at] for row in rows]
        shown = [cell.text for cell in cells if cell.holds_figures]
        is_span = _SPAN.search(column.name) is not None
        if column.kind == "text" and at and not is_span and 2 * len(shown) >= max(2, len(rows)):
            why = f"its cells, such as {shown[0]}, are not single figures"
            yield UnreadPlace(line=table.line, table=table.title, column=column.name, why=why)
    for row in rows:
        odd = [
            f"{row.cells[at].text} ({column.name})"
            for at, column in enumerate(table.columns)
            if column.kind not in ("text", "rank") and row.cells[at].is_unread
        ]
        if odd:
            why = f"no single figure: {', '.join(odd)}"
            yield UnreadPlace(line=row.line, table=table.title, row=row.full_name or "?", why=why)


def _names_block(cells: Sequence[PrintedCell]) -> bool:
    """Whether it is a single, emphasised text: the title of the rows below it."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) == 1 and filled[0].number is None and filled[0].emphasised


def _headings(head: Sequence[tuple[PrintedCell, ...]]) -> list[tuple[str, ...]]:
    """The headings of each column; an outer heading also covers the blanks to its right."""
    levels: list[list[str]] = []
    for cells in head[:-1]:
        level, carried = [], ""
        for cell in cells:
            carried = cell.text or carried
            level.append(carried)
        levels.append(level)
    levels.append([cell.text for cell in head[-1]])
    return list(zip(*levels, strict=True))


def _rows(body: Sequence[_Line], columns: Sequence[PrintedColumn]) -> list[PrintedRow]:
    """Rows of figures; a blank name means the one above it."""
    texts = [at for at, column in enumerate(columns) if column.kind == "text"]
    figures = next(at for at, column in enumerate(columns) if column.kind != "text")
    names = [at for at in texts if at < figures] or texts[:1] or [0]
    rows: list[PrintedRow] = []
    title, above = "", [""] * len(names)
    for line, cells in body:
        if _names_block(cells):
            title = next(cell.text for cell in cells if cell.text)
            above = [""] * len(names)
            continue
        own = [cells[at].text for at in names]
        shown = [
            *(
                own_name or above_name
                for own_name, above_name in zip(own[:-1], above, strict=False)
            ),
            *own[-1:],
        ]
        above = shown
        if own and not own[-1]:
            # One name in several columns of names: `Average`, and a blank beside it.
            shown = [text for text in own if text]
        block = " / ".join(part for part in (title, *shown[:-1]) if part)
        name = shown[-1] if shown else ""
        rows.append(PrintedRow(line=line, block=block, name=name, cells=cells, own=tuple(own)))
    return rows
