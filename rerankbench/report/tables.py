"""Finished tables as parts of a page: scrollable by themselves, ready to be sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.report.page import Html, join, link, tag, text, wide


def tables_html(tables: Sequence[Table]) -> Html:
    """Each table below its title, with its notes as a list."""
    parts: list[str] = []
    title = ""
    for table in tables:
        title = table.title or title
        parts += [tag("h4", text(table.title))] if table.title else []
        parts.append(table_html(table, title))
        if table.notes:
            notes = (tag("li", text(note)) for note in table.notes)
            parts.append(tag("ul", *notes, class_="note"))
    return join(parts)


def table_html(table: Table, title: str = "") -> Html:
    """The table alone; every number also stands there as it is, to be sorted by."""
    heads = (tag("th", text(one.text), scope="col", class_=_class(one)) for one in table.columns)
    body = tag("tbody", *_rows(table))
    grid = tag("table", tag("thead", tag("tr", *heads)), body)
    return wide(grid, f"Table: {table.title or title}")


def _rows(table: Table) -> Iterator[Html]:
    for group, rows in table.sections():
        if group:
            head = tag("th", text(group), scope="rowgroup", colspan=len(table.columns))
            yield tag("tr", head, class_="group")
        yield from (_row(row, table.columns) for row in rows)


def _row(row: Row, columns: Sequence[Header]) -> Html:
    cells = (
        _cell(entry, column, first=at == 0)
        for at, (entry, column) in enumerate(zip(row.entries, columns, strict=True))
    )
    return tag("tr", *cells, class_="emphasised" if row.emphasised else None)


def _cell(entry: Entry, column: Header, *, first: bool) -> Html:
    shown: str = link(entry.url, entry.text) if entry.url else text(entry.text)
    shown = tag("strong", shown) if entry.strong else shown
    is_number = isinstance(entry.value, int | float)
    return tag(
        "th" if first else "td",
        shown if entry.text else "",
        tag("sup", text(entry.mark)) if entry.mark else "",
        scope="row" if first else None,
        class_=_class(column) or (None if is_number else "text"),
        data_value=entry.value if is_number else None,
    )


def _class(column: Header) -> str | None:
    return {"right": "number", "center": "centre"}.get(column.align)
