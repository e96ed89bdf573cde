"""Tables as HTML: a whole page in one file, or the tables alone for a page of one's own.

Nothing is loaded and no script runs. A number's cell has its raw value in `data-value`.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

from rerankbench.leaderboard.table import (
    Align,
    Entry,
    Header,
    Heading,
    Row,
    Table,
    blocks,
    printable,
)

_CLASSES: dict[Align, str] = {
    "left": "text",
    "none": "text",
    "center": "centre",
    "right": "number",
}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --paper: #fcfbf9; --ink: #1b1d20; --muted: #585e65;
  --rule: #dedad2; --accent: #0a58a5; }
@media (prefers-color-scheme: dark) { :root { --paper: #141619; --ink: #e9e7e3;
  --muted: #a6acb3; --rule: #363b41; --accent: #84bdf7; } }
body { margin: 0 auto; padding: 2rem 1.1rem 4rem; max-width: 72rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.wide { overflow-x: auto; margin-top: 2rem; }
table { border-collapse: collapse; font-size: .92rem; }
caption { text-align: left; font-weight: 650; font-size: 1.1rem; padding-bottom: .6rem; }
th, td { padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: baseline; }
thead th { color: var(--muted); font-weight: 600; vertical-align: bottom; }
thead th[colspan] { border-bottom: 1px solid var(--rule); }
thead th[colspan] bdi { position: sticky; left: 0; }
tbody th { font-weight: inherit; min-width: 8rem; max-width: 22rem; overflow-wrap: anywhere; }
tbody { border-top: 1px solid var(--muted); }
tbody ~ tbody { border-color: var(--rule); }
.number { text-align: right; white-space: nowrap; }
.centre { text-align: center; }
.group th { font-weight: 650; padding-top: 1rem; }
.emphasised { font-style: italic; color: var(--muted); }
.notes { color: var(--muted); font-size: .9rem; max-width: 70ch; padding-left: 1.1rem;
  overflow-wrap: anywhere; }
sup { font-size: .72em; line-height: 0; }
"""


def render(tables: Sequence[Table]) -> str:
    """A whole page: self-contained, light and dark, readable on a phone."""
    title = next((table.title for table in tables if table.title), "Leaderboard")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{fragment(tables)}</main>\n</body>\n</html>\n"
    )


def fragment(tables: Sequence[Table]) -> str:
    """The tables with their notes, each in a frame in which it scrolls by itself."""
    title = "Leaderboard"
    parts = []
    for table in tables:
        title = table.title or title
        parts.append(_table(table, f"{title} (continued)" if table.continues else title))
    return "".join(parts)


def escape(text: str) -> str:
    """Text that HTML shows as it is, on one line, in an attribute as well."""
    return html.escape(printable(text))


def _table(table: Table, title: str) -> str:
    notes = "".join(f'<li dir="auto">{escape(note)}</li>\n' for note in table.notes)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{escape(title)}">\n<table>\n'
        f"<caption>{_isolated(title)}</caption>\n"
        f"<thead>\n{_head(table)}</thead>\n{_body(table)}</table>\n</div>\n"
        + (f'<ul class="notes">\n{notes}</ul>\n' if notes else "")
    )


def _head(table: Table) -> str:
    lines = []
    for headings in table.head_rows():
        cells = [_heading(heading, table.columns[heading.at]) for heading in headings]
        lines.append(f"<tr>{''.join(cells)}</tr>\n")
    return "".join(lines)


def _heading(heading: Heading, column: Header) -> str:
    spans = ""
    if heading.rows > 1:
        spans += f' rowspan="{heading.rows}"'
    if heading.is_above:
        shown = f' scope="colgroup" colspan="{heading.columns}" class="text"'
    else:
        shown = f' scope="col" class="{_CLASSES[column.align]}"'
    return f"<th{shown}{spans}>{_isolated(heading.text)}</th>"


def _body(table: Table) -> str:
    """A part for every group, or for every block where a column spans its rows."""
    is_parted = any(column.spans for column in table.columns)
    parts = []
    for group, rows in table.sections():
        title = ""
        if group:
            title = (
                f'<tr class="group"><th scope="rowgroup" colspan="{len(table.columns)}">'
                f"{_isolated(group)}</th></tr>\n"
            )
        for block in blocks(rows) if is_parted else [rows]:
            lines = [
                _row(table, row, len(block) if at == 0 else 0) for at, row in enumerate(block)
            ]
            parts.append(f"<tbody>\n{title}{''.join(lines)}</tbody>\n")
            title = ""
    return "".join(parts)


def _row(table: Table, row: Row, spanned: int) -> str:
    """One row; what spans its block stands in the first row, which is `spanned` rows high."""
    named = False
    cells = []
    for column, entry in zip(table.columns, row.entries, strict=True):
        if column.spans:
            high = f'<th scope="rowgroup" rowspan="{spanned}">{_shown(entry)}</th>'
            cells.append(high if spanned else "")
        elif not named and isinstance(entry.value, str):
            # The first text names the row.
            cells.append(f'<th scope="row">{_shown(entry)}</th>')
            named = True
        else:
            cells.append(_cell(entry, column))
    emphasis = ' class="emphasised"' if row.emphasised else ""
    return f"<tr{emphasis}>{''.join(cells)}</tr>\n"


def _cell(entry: Entry, column: Header) -> str:
    is_number = entry.value is not None and not isinstance(entry.value, str)
    raw = f' data-value="{entry.value!r}"' if is_number else ""
    return f'<td class="{_CLASSES[column.align]}"{raw}>{_shown(entry)}</td>'


def _shown(entry: Entry) -> str:
    shown = _isolated(entry.text) if isinstance(entry.value, str) else escape(entry.text)
    if shown and entry.strong:
        shown = f"<strong>{shown}</strong>"
    if shown and entry.url:
        shown = f'<a href="{escape(entry.url)}" rel="noreferrer">{shown}</a>'
    return f"{shown}<sup>{escape(entry.mark)}</sup>" if entry.mark else shown


def _isolated(text: str) -> str:
    """Text whose direction does not reach what stands around it."""
    return f"<bdi>{escape(text)}</bdi>"
