"""Reads the tables and cards of files: Markdown, tabs, CSV, HTML, pages of labels and values.

The content decides how a file is read, not its name, except for CSV and HTML.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rerankbench.audit.cards import PrintedCard, read_card
from rerankbench.audit.grids import Grid, RawRow, to_tables
from rerankbench.audit.html_tables import html_tables
from rerankbench.audit.markdown import Line, around, markdown_tables, runs, title_of
from rerankbench.audit.tables import PrintedTable, UnreadPlace
from rerankbench.errors import InputError
from rerankbench.files.whole import read_lines

_HTML = (".html", ".htm")
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedFile:
    """The tables of a file; a page about one model is a card. `unread` is what is in no table."""

    file: str
    tables: tuple[PrintedTable, ...]
    card: PrintedCard | None = None
    unread: tuple[UnreadPlace, ...] = ()


def read_document(path: Path) -> AuditedFile:
    """All tables of a file and its card. Raises InputError if it has neither."""
    lines = list(read_lines(path))
    file = str(path)
    if path.suffix.lower() == ".csv":
        grids = [_csv(lines, file)]
    elif path.suffix.lower() in _HTML:
        grids = [html_tables(lines, file)]
    else:
        grids = [*markdown_tables(lines, file), *_tabs(lines, file)]
    tables = [table for grid in grids for table in grid.tables]
    unread = [place for grid in grids for place in grid.unread]
    card = None if tables else read_card(lines, file)
    if not tables and card is None:
        why = f" that can be read (line {unread[0].line}: {unread[0].why})" if unread else ""
        raise InputError(
            file,
            f"has no table with figures{why}",
            remedy="give Markdown, tabs, CSV or HTML with a row of headings above the figures",
        )
    return AuditedFile(
        file=file,
        tables=tuple(sorted(tables, key=lambda table: table.line)),
        card=card,
        unread=tuple(sorted(unread, key=lambda place: place.line)),
    )


def _tabs(lines: Sequence[Line], file: str) -> list[Grid]:
    grids = []
    for run in runs(lines, ["\t" in text for _, text in lines]):
        raw = [RawRow(line=number, cells=tuple(text.split("\t"))) for number, text in run]
        place = run[0][0], run[-1][0]
        title, near = title_of(lines, *place), around(lines, *place)
        grids += [to_tables(raw, file=file, title=title, around=near)] if len(run) > 1 else []
    return grids


def _csv(lines: Sequence[Line], file: str) -> Grid:
    # Where commas are decimal points, cells are separated by semicolons or tabs.
    first = lines[0][1] if lines else ""
    reader = csv.reader([text for _, text in lines], delimiter=max(_DELIMITERS, key=first.count))
    raw = []
    try:
        for cells in reader:
            line = lines[min(reader.line_num, len(lines)) - 1][0]
            raw.append(RawRow(line=line, cells=tuple(cells)))
    except csv.Error as error:
        problem = f"is not CSV ({error})"
        remedy = "save it again as CSV, with lines that end in LF or CRLF"
        raise InputError(file, problem, line=reader.line_num or None, remedy=remedy) from None
    return to_tables(raw, file=file, title="", headings=1) if len(raw) > 1 else Grid()
