"""Tables of an HTML page, or of HTML within Markdown; nothing is run or fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from rerankbench.audit.grids import Grid, RawRow, to_tables
from rerankbench.audit.tables import UnreadPlace
from rerankbench.errors import InputError

_MARKUP = ("b", "strong", "i", "em", "sup", "sub", "del", "s", "strike")
_WIDEST = 1000


def html_tables(lines: Sequence[tuple[int, str]], file: str) -> Grid:
    """All tables with figures; of nested tables only the inner ones.

    Raises InputError for an unknown declaration.
    """
    parser = _Parser()
    last = 0
    for number, text in lines:
        # Blank lines were left out, but the parser counts lines.
        try:
            parser.feed("\n" * (number - last) + text)
        except AssertionError as error:  # HTMLParser raises it for `<![x`.
            raise InputError(file, f"not valid HTML: {error}", line=number) from None
        last = number
    grids = [
        to_tables(raw, file=file, title=title, headings=headings or None)
        for title, headings, raw in parser.tables
        if len(raw) > 1
    ]
    unread = [
        UnreadPlace(line=line, table=f"the table at line {line}", why=why)
        for line, why in parser.unread
    ]
    return Grid(
        tables=tuple(table for grid in grids for table in grid.tables),
        unread=(*(place for grid in grids for place in grid.unread), *unread),
    )


class _Parser(HTMLParser):
    """Collects `tables`: caption, rows in the head, rows; and `unread` ones, with the reason."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[tuple[str, int, list[RawRow]]] = []
        self._open: list[int] = []
        self._rows: list[RawRow] = []
        self._cells: list[str] = []
        self._below: dict[int, int] = {}
        self._parts: list[str] | None = None
        self._caption = ""
        self._head = self._line = 0
        self._span = self._deep = 1
        self._nested: list[tuple[int, str]] = []

    @property
    def unread(self) -> list[tuple[int, str]]:
        """Tables that contain others, and tables without an end."""
        return [*self._nested, *((line, "it has no end (</table>)") for line in self._open)]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0] - 1
        if tag == "table":
            if self._open:
                self._nested.append((self._open[-1], "it contains another table"))
            self._open.append(line)
            self._rows, self._caption, self._head = [], "", 0
            self._below = {}
        elif tag == "tr":
            self._cells, self._line = [], line
            self._skip()
        elif tag in ("td", "th", "caption"):
            if self._parts is not None:
                self._cell(tag)  # In HTML the end tag of a cell is optional.
            self._parts = []
            self._span, self._deep = _number(attrs, "colspan"), _number(attrs, "rowspan")
        elif tag in _MARKUP and self._parts is not None:
            self._parts.append(f"<{tag}>")
        elif tag == "br" and self._parts is not None:
            self._parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._parts is not None:
            self._cell(tag)
        elif tag == "caption" and self._parts is not None:
            self._caption, self._parts = " ".join("".join(self._parts).split()), None
        elif tag == "tr":
            if self._parts is not None:
                self._cell("td")
            self._rows.append(RawRow(line=self._line, cells=tuple(self._cells)))
        elif tag == "thead":
            self._head = len(self._rows)
        elif tag == "table":
            self._end_table()
        elif tag in _MARKUP and self._parts is not None:
            self._parts.append(f"</{tag}>")

    def _end_table(self) -> None:
        opened = self._open.pop() if self._open else self._line
        if (opened, "it contains another table") not in self._nested:
            self.tables.append((self._caption, self._head, self._rows))
        self._rows = []

    def _cell(self, tag: str) -> None:
        """A wide cell is followed by blanks; a heading over a whole row is emphasised."""
        shown = "".join(self._parts or [])
        titles = tag == "th" and self._span > 1 and not self._cells
        for at in range(len(self._cells), len(self._cells) + self._span):
            if self._deep > 1:
                self._below[at] = self._deep - 1
        self._cells += [f"<b>{shown}</b>" if titles else shown, *[""] * (self._span - 1)]
        self._parts = None
        self._skip()

    def _skip(self) -> None:
        """A cell that spans rows leaves blanks in the rows below."""
        while self._below.get(len(self._cells), 0):
            self._below[len(self._cells)] -= 1
            self._cells.append("")

    def handle_data(self, data: str) -> None:
        if self._parts is not None:
            # Text that looks like markup was escaped on the page, so it is not markup.
            self._parts.append(data.replace("<", "‹").replace("*", "∗"))


def _number(attrs: Sequence[tuple[str, str | None]], name: str) -> int:
    span = dict(attrs).get(name) or "1"
    return max(1, min(int(span), _WIDEST)) if span.isascii() and span.isdecimal() else 1
