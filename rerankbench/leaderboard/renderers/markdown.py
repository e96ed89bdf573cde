"""Tables as GitHub-flavoured Markdown, padded so that they also read well as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rerankbench.leaderboard.table import Align, Entry, Row, Table, firsts_of_blocks, printable

# Characters that could start markup anywhere in a cell. `_` only starts emphasis at the edge of a
# word, and model names often contain it elsewhere. `$` starts mathematics on GitHub.
_MARKUP = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def render(tables: Sequence[Table]) -> str:
    """All tables, each with heading, preamble and notes, as Markdown that ends with a newline."""
    text = ""
    for table in tables:
        # Blank lines separate a table from whatever is above it.
        parts = [text.rstrip("\n"), _heading(table), table.preamble.rstrip("\n")]
        above = "\n\n".join(part for part in parts if part)
        gap = "\n" * (table.blank_lines + 1) if above else ""
        below = [f"- {escape(note)}" for note in table.notes]
        text = above + gap + "\n".join([*_grid(table), *([""] if below else []), *below]) + "\n"
    return text


def escape(text: str) -> str:
    """Text that Markdown shows as it is: one line, no markup, no HTML, no end of a cell."""
    without_markup = _MARKUP.sub(r"\\\g<0>", printable(text))
    return "".join(_HTML.get(character, character) for character in without_markup)


def _heading(table: Table) -> str:
    return f"{'#' * table.heading_level} {escape(table.title)}" if table.title else ""


def _grid(table: Table) -> list[str]:
    header = [escape(column.full) for column in table.columns]
    body: list[list[str]] = []
    for group, rows in table.sections():
        if group:
            wanted = table.group_cells or len(header)
            body.append([f"**{escape(group)}**", *[""] * (min(wanted, len(header)) - 1)])
        body += [_cells(table, row, first) for row, first in firsts_of_blocks(rows)]
    aligns = [column.align for column in table.columns]
    widths = [
        max(3, *(len(cells[at]) for cells in (header, *body) if at < len(cells)))
        for at in range(len(header))
    ]
    rule = [_rule(align, width) for align, width in zip(aligns, widths, strict=True)]
    lines = [_line(header, aligns, widths), f"| {' | '.join(rule)} |"]
    return lines + [_line(cells, aligns, widths) for cells in body]


def _cells(table: Table, row: Row, first: bool) -> list[str]:
    """The row's cells; a cell that spans the rows of a block is in its first row only."""
    return [
        _cell(entry, row) if first or not column.spans else ""
        for column, entry in zip(table.columns, row.entries, strict=True)
    ]


def _cell(entry: Entry, row: Row) -> str:
    text = escape(entry.text)
    if not text:
        return escape(entry.mark)
    stars = "*" * (row.emphasised + 2 * entry.strong)
    text = f"{stars}{text}{stars}"
    if entry.url:
        # An address could contain text that looks like an entity: &copy=1.
        text = f"[{text}]({entry.url.replace('&', '&amp;')})"
    return f"{text} {escape(entry.mark)}" if entry.mark else text


def _rule(align: Align, width: int) -> str:
    left = ":" if align in ("left", "center") else "-"
    right = ":" if align in ("right", "center") else "-"
    return left + "-" * (width - 2) + right


def _line(cells: Sequence[str], aligns: Sequence[Align], widths: Sequence[int]) -> str:
    """One row; group rows may have fewer cells than there are columns."""
    padded = [
        _pad(cell, align, width) for cell, align, width in zip(cells, aligns, widths, strict=False)
    ]
    return f"| {' | '.join(padded)} |"


def _pad(text: str, align: Align, width: int) -> str:
    if align == "center":
        return text.center(width)
    return text.rjust(width) if align == "right" else text.ljust(width)
