"""Tables as CSV with raw values: full precision, blanks where a figure is missing, no notes."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from rerankbench.leaderboard.table import Row, Table, Value, printable

_Line: TypeAlias = dict[str, Value]
# A spreadsheet takes a text that begins so for a formula and would compute it (OWASP, "CSV
# Injection"); the apostrophe makes it a text again.
_FORMULA_STARTS = ("=", "+", "-", "@")


def render(tables: Sequence[Table]) -> str:
    """All tables as a single CSV with one header line, readable by any CSV reader.

    Marks stand in a column of their own behind the column that they mark, and so do the two bounds
    of an interval. Neither links nor what
    stands out is written. A column `table` holds the titles where there are several tables, a
    column `group` the group rows where there are any. A table that continues the one before adds
    columns to its rows.
    """
    lines: list[_Line] = []
    started = 0
    for number, table in enumerate(tables):
        cells = [_cells(table, row) for row in table.rows]
        if table.continues:
            for line, more in zip(lines[started:], cells, strict=True):
                line.update(more)
            continue
        started = len(lines)
        title = table.title or f"table {number + 1}"
        lines += [
            {"table": title, "group": row.group, **more} for row, more in _pairs(table, cells)
        ]
    return _written(lines)


def _pairs(table: Table, cells: Sequence[_Line]) -> list[tuple[Row, _Line]]:
    return list(zip(table.rows, cells, strict=True))


def _cells(table: Table, row: Row) -> _Line:
    """Header → raw value. Two columns of one name are told apart by a number."""
    cells: _Line = {}
    for at, (column, entry) in enumerate(zip(table.columns, row.entries, strict=True)):
        every = [other_row.entries[at] for other_row in table.rows]
        name, count = column.full, 2
        while name in cells:
            name, count = f"{column.full} ({count})", count + 1
        if not any(other_row.form == "between" for other_row in every):
            cells[name] = entry.value
        if any(other_row.span for other_row in every):
            cells[f"{name} (low)"], cells[f"{name} (high)"] = entry.span or (None, None)
        if any(other_row.mark for other_row in every):
            cells[f"{name} (mark)"] = entry.mark or None
    return cells


def _written(lines: Sequence[_Line]) -> str:
    columns = list(dict.fromkeys(name for line in lines for name in line))
    if len({line["table"] for line in lines}) < 2:
        columns.remove("table")
    if not any(line["group"] for line in lines):
        columns.remove("group")
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([_text(name) for name in columns])
    writer.writerows([_field(line, name) for name in columns] for line in lines)
    return buffer.getvalue()


def _field(line: Mapping[str, Value], name: str) -> str | int | float:
    value = line.get(name)
    if value is None:
        return ""
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    clean = printable(text)
    return f"'{clean}" if clean.startswith(_FORMULA_STARTS) else clean
