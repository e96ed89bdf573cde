"""Raw rows of cells → tables: which rows are headings, which name a block, which hold figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rerankbench.audit.cells import PrintedCell, own_point, read_cell
from rerankbench.audit.columns import Kind, kind_of
from rerankbench.audit.names import is_aside, names_average_row
from rerankbench.audit.tables import PrintedColumn, PrintedRow, PrintedTable, UnreadPlace

_SPAN = re.compile(r"\b(ci|intervals?|ranges?|low|high)\b|≤|≥", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRow:
    """One line of a table as it stands in the file."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """What was made of some rows: tables, and what of them is in none."""

    tables: tuple[PrintedTable, ...] = ()
    unread: tuple[UnreadPlace, ...] = ()


_Line = tuple[int, tuple[PrintedCell, ...]]


def to_tables(
    raw: Sequence[RawRow], *, file: str, title: str, headings: int | None = None, around: str = ""
) -> Grid:
    """The tables in rows that stand together; those without figures are none.

    `headings` says how many rows are headings at least; None lets the rows without a number be. A
    row of headings further down, with the same first cell, begins another table. `around` is the
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
    found = _table(lines[:head], lines[head:end], file, title)
    found = found and replace(found, around=around)
    last = fitting[end].line if end < len(fitting) else raw[-1].line + 1
    odd = [
        _uneven(row, width, title)
        for row in raw[head:]
        if row.line < last and (row not in fitting or (headings and _is_short(row, width)))
    ]
    if found is None:
        grid = Grid(unread=tuple(_without_figures(raw, title)))
    else:
        unread = sorted((*_unread(found), *odd), key=lambda one: one.line)
        grid = Grid(tables=(found,), unread=tuple(unread))
    if end == len(lines):
        return grid
    rest = [row for row in raw if row.line >= last]
    more = to_tables(rest, file=file, title=title, headings=headings and 1, around=around)
    return Grid(tables=(*grid.tables, *more.tables), unread=(*grid.unread, *more.unread))


def _read(raw: Sequence[RawRow], width: int) -> list[_Line]:
    """Cells with their numbers; a column whose figures have decimal commas is read with commas."""
    padded = [(*row.cells, *[""] * (width - len(row.cells))) for row in raw]
    told = [[own_point(cell) for cell in column] for column in zip(*padded, strict=True)]
    whole = [point for column in told for point in column]
    usual = "," if "," in whole and "." not in whole else "."
    points = [
        max(",.", key=column.count) if column.count(",") != column.count(".") else usual
        for column in told
    ]
    return [
        (
            row.line,
            tuple(read_cell(cell, point) for cell, point in zip(cells, points, strict=True)),
        )
        for row, cells in zip(raw, padded, strict=True)
    ]


def _is_short(row: RawRow, width: int) -> bool:
    """Whether cells with figures are followed by none."""
    return len(row.cells) < width and any(read_cell(cell).number is not None for cell in row.cells)


def _uneven(row: RawRow, width: int, title: str) -> UnreadPlace:
    name = read_cell(row.cells[0]).text or f"line {row.line}"
    cells = len(row.cells)
    missing = "" if cells > width else f"the last {width - cells} of its cells; "
    why = f"{missing}it has {cells} cell{'s' * (cells > 1)} under {width} headings"
    return UnreadPlace(line=row.line, table=title, row=name, why=why)


def _without_figures(raw: Sequence[RawRow], title: str) -> Iterator[UnreadPlace]:
    """A word on what looks like a table of figures and was read as none."""
    if any(read_cell(cell).holds_figures for row in raw[1:] for cell in row.cells):
        yield UnreadPlace(
            line=raw[0].line, table=title, why="no column of it holds single figures"
        )


def _heading_rows(lines: Sequence[_Line], least: int | None) -> int:
    """How many rows stand above the figures; below the least only rows of names are headings."""
    for at, (_, cells) in enumerate(lines):
        if at < (least or 0):
            continue
        if not _names_columns(cells) or (least and not _is_second_heading(cells)):
            return at
    return len(lines)


def _names_columns(cells: Sequence[PrintedCell]) -> bool:
    """Several texts and no figure."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) > 1 and all(cell.number is None for cell in filled)


def _is_second_heading(cells: Sequence[PrintedCell]) -> bool:
    """Whether a row names what is below it: its first cell is blank, and nothing is missing."""
    return not cells[0].text and not _misses_some(cells)


def _repeats(cells: Sequence[PrintedCell], head: Sequence[PrintedCell]) -> bool:
    """Whether a row begins another table as the first one began."""
    return _names_columns(cells) and cells[0].text == head[0].text and not _misses_some(cells)


def _misses_some(cells: Sequence[PrintedCell]) -> bool:
    return any(cell.is_missing for cell in cells if cell.text)


def _table(
    head: Sequence[_Line], body: Sequence[_Line], file: str, title: str
) -> PrintedTable | None:
    figures = [cells for _, cells in body if not _names_block(cells)]
    # Counts and differences among the rows do not say what a column holds.
    telling = [cells for cells in figures if not is_aside(cells[0].text)] or figures
    headings = _headings([cells for _, cells in head])
    columns = tuple(
        PrintedColumn(
            headings=headings[at], kind=_kind(headings[at], [each[at] for each in telling])
        )
        for at in range(len(headings))
    )
    if all(column.kind == "text" for column in columns):
        return None
    rows = tuple(_rows(body, columns))
    return PrintedTable(file=file, line=head[0][0], title=title, columns=columns, rows=rows)


def _kind(headings: Sequence[str], cells: Sequence[PrintedCell]) -> Kind:
    """As the heading and the figures say; numbers above "average" are the names of rows."""
    if any(cell.number is None and names_average_row(cell.text) for cell in cells):
        return "text"
    return kind_of(headings, cells)


def _unread(table: PrintedTable) -> Iterator[UnreadPlace]:
    """Columns of more than single figures, and cells of others in which no figure was found."""
    rows = table.rows
    for at, column in enumerate(table.columns):
        cells = [row.cells[at] for row in rows]
        shown = [each.text for each in cells if each.holds_figures]
        is_span = _SPAN.search(column.name) is not None
        if column.kind == "text" and at and not is_span and 2 * len(shown) >= max(2, len(rows)):
            why = f"its cells, such as {shown[0]}, are no single figures"
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
    """A single text that is emphasised: the title of the rows below it."""
    filled = [cell for cell in cells if cell.text]
    return len(filled) == 1 and filled[0].number is None and filled[0].emphasised


def _headings(head: Sequence[tuple[PrintedCell, ...]]) -> list[tuple[str, ...]]:
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


def _rows(body: Sequence[_Line], columns: Sequence[PrintedColumn]) -> list[PrintedRow]:
    """Rows of figures; a blank name stands for the one above it."""
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
        shown = [*(mine or old for mine, old in zip(own[:-1], above, strict=False)), *own[-1:]]
        above = shown
        if own and not own[-1]:
            # One name in several columns of names: `Average`, and a blank beside it.
            shown = [each for each in own if each]
        block = " / ".join(each for each in (title, *shown[:-1]) if each)
        name = shown[-1] if shown else ""
        rows.append(PrintedRow(line=line, block=block, name=name, cells=cells, own=tuple(own)))
    return rows
