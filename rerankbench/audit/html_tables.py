"""Tables of an HTML page; nothing on it is run or fetched."""

from __future__ import annotations

from collections.abc import Sequence
from html.parser import HTMLParser

from rerankbench.audit.grids import RawRow, to_tables
from rerankbench.audit.tables import Table
from rerankbench.errors import InputError

_MARKUP = ("b", "strong", "i", "em", "sup")
_WIDEST = 1000


def html_tables(lines: Sequence[tuple[int, str]], file: str) -> list[Table]:
    """All tables with figures, outer ones of nested tables left out.

    Raises InputError for a declaration that HTML does not know.
    """
    parser = _Parser()
    last = 0
    for number, text in lines:
        # Blank lines were left out; the parser counts them.
        try:
            parser.feed("\n" * (number - last) + text)
        except AssertionError as error:  # The standard library's way to refuse `<![x`.
            raise InputError(file, f"no HTML: {error}", line=number) from None
        last = number
    return [
        table
        for title, headings, raw in parser.tables
        if len(raw) > 1
        for table in to_tables(raw, file=file, title=title, headings=headings or None)
    ]


class _Parser(HTMLParser):
    """Collects `tables`: caption, rows in the head, rows."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[tuple[str, int, list[RawRow]]] = []
        self._rows: list[RawRow] = []
        self._cells: list[str] = []
        self._parts: list[str] | None = None
        self._caption = ""
        self._head = self._line = 0
        self._span = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows, self._caption, self._head = [], "", 0
        elif tag == "tr":
            self._cells, self._line = [], self.getpos()[0] - 1
        elif tag in ("td", "th", "caption"):
            self._parts = []
            span = dict(attrs).get("colspan") or "1"
            self._span = min(int(span), _WIDEST) if span.isdecimal() else 1
        elif tag in _MARKUP and self._parts is not None:
            self._parts.append(f"<{tag}>")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th") and self._parts is not None:
            self._cell(tag)
        elif tag == "caption" and self._parts is not None:
            self._caption, self._parts = " ".join("".join(self._parts).split()), None
        elif tag == "tr":
            self._rows.append(RawRow(line=self._line, cells=tuple(self._cells)))
        elif tag == "thead":
            self._head = len(self._rows)
        elif tag == "table":
            self.tables.append((self._caption, self._head, self._rows))
            self._rows = []
        elif tag in _MARKUP and self._parts is not None:
            self._parts.append(f"</{tag}>")

    def _cell(self, tag: str) -> None:
        """A wide cell is followed by blanks; a heading over a whole row is emphasised."""
        shown = "".join(self._parts or [])
        titles = tag == "th" and self._span > 1 and not self._cells
        self._cells += [f"<b>{shown}</b>" if titles else shown, *[""] * (self._span - 1)]
        self._parts = None

    def handle_data(self, data: str) -> None:
        if self._parts is not None:
            # Text that looks like markup was escaped on the page, so it is none.
            self._parts.append(data.replace("<", "‹").replace("*", "∗"))
