"""Tables as HTML: a whole self-contained page, or only the tables for another page.

Nothing is loaded and no script runs. A number's cell has its raw value in `data-value`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import fill
from rerankbench.leaderboard.table import Align, Row, Table, blocks

_CLASSES: Mapping[Align, str] = {
    "left": "text",
    "none": "text",
    "center": "centre",
    "right": "number",
}


def render(tables: Sequence[Table]) -> str:
    """A whole page: self-contained, light and dark, readable on a phone."""
    title = next((table.title for table in tables if table.title), "Leaderboard")
    return str(fill("leaderboard.html", title=title, **_values(tables)))


def fragment(tables: Sequence[Table]) -> Markup:
    """The tables with their notes, each in a frame that scrolls by itself."""
    return fill("tables.html", **_values(tables))


def _values(tables: Sequence[Table]) -> dict[str, object]:
    return {
        "tables": list(_titled(tables)),
        "bodies": _bodies,
        "name_column": _name_column,
        "css": _CLASSES,
    }


def _titled(tables: Sequence[Table]) -> Iterator[tuple[str, Table]]:
    title = "Leaderboard"
    for table in tables:
        title = table.title or title
        yield f"{title} (continued)" if table.continues else title, table


def _bodies(table: Table) -> Iterator[tuple[str, list[Row]]]:
    """The rows of every group, or of every block if a column spans rows.

    The group's title stands above its first rows alone.
    """
    has_blocks = any(column.spans for column in table.columns)
    for group, rows in table.sections():
        for number, block in enumerate(blocks(rows) if has_blocks else [rows]):
            yield "" if number else group, block


def _name_column(table: Table, row: Row) -> int | None:
    """The column of the row's name: the first text that does not span rows."""
    for at, (column, entry) in enumerate(zip(table.columns, row.entries, strict=True)):
        if not column.spans and isinstance(entry.value, str):
            return at
    return None
