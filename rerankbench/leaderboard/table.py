"""A finished table: raw values with their print format, for any renderer.

Orders, means and blanks are already decided; a renderer only writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeAlias
from urllib.parse import quote

from rerankbench.results.figures import Better
from rerankbench.results.numbers import Form, number_text

Align: TypeAlias = Literal["left", "center", "right", "none"]
Value: TypeAlias = "str | int | float | None"

_PAGE = re.compile(r"[a-z0-9-]+\.(html|md)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One value of a table, raw, and how it is printed; None prints as a blank, never as 0.

    `fixed` and `signed` have `decimals` digits after the point. `rate` is a whole number, with two
    significant digits below 10. `latency` is whole from 100 on, has one digit after the point
    below, and two significant ones below 1: 0.034. `magnitude` has three significant digits and a
    letter: 22.7M. `seconds` are as `fixed` with the unit behind them: 1.18s. `probability` never
    prints as 0: <0.001. `span` holds two bounds that are printed behind the value: 82 (80–84);
    `between` prints them alone: 2–4. `strong` marks what stands out, such as the best of a block.
    `link` is an address to follow, see `is_address`. `mark` is a short suffix such as tier
    letters, raised where the format can.
    """

    value: Value = None
    form: Form = "text"
    decimals: int = 0
    span: tuple[float, float] | None = None
    strong: bool = False
    link: str | None = None
    mark: str = ""

    @property
    def url(self) -> str:
        """The link as printable ASCII that no format reads as markup; empty if there is none."""
        if self.link is None or not is_address(self.link):
            return ""
        return quote(self.link, safe="/:?&=#@+,;%~.-_!")

    @property
    def text(self) -> str:
        """The value as printed, before any escaping; always one line of printable text."""
        if self.value is None:
            return ""
        if isinstance(self.value, str):
            return printable(self.value)
        if self.span is None:
            return self._number(self.value)
        low, high = map(self._number, self.span)
        if self.form == "between":
            return low if low == high else f"{low}–{high}"
        # A dash before a minus would be hard to read.
        dash = " to " if self.form == "signed" else "–"
        return f"{self._number(self.value)} ({low}{dash}{high})"

    @property
    def rounded(self) -> float | None:
        """The number as printed, so that what looks equal is equal; None for texts."""
        if self.value is None or isinstance(self.value, str):
            return None
        if self.form in ("magnitude", "probability"):
            return self.value
        return float(self._number(self.value).removesuffix("s"))

    def _number(self, value: float) -> str:
        return number_text(value, self.form, self.decimals)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The head of one column.

    `above` are the heads over it, the outermost first; neighbours that share one stand under it.
    `better` says which figures are the best ones, where any are. A column that `spans` holds one
    value for each block of rows, which is shown once.
    """

    text: str
    align: Align = "none"
    above: tuple[str, ...] = ()
    better: Better | None = None
    spans: bool = False

    @property
    def full(self) -> str:
        """All heads in one line, for formats that have one line of them."""
        return ": ".join((*self.above, self.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line: as many entries as the table has columns.

    Neighbouring rows with the same `group` stand under one group row; an empty group has none.
    Those with the same `block` as well belong together. `emphasised` marks what is no model:
    first stage, oracle, random.
    """

    entries: tuple[Entry, ...]
    group: str = ""
    block: str = ""
    emphasised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A square of the head: its text over `columns` columns from column `at`, `rows` lines high.

    `is_above` marks what stands over the heads of columns.
    """

    text: str
    at: int
    columns: int = 1
    rows: int = 1
    is_above: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table with its heading and the notes below it.

    `preamble` is Markdown that the author of a layout wrote, used as it stands and by Markdown
    alone. `continues` says that the rows are those of the table before, with more columns.
    `group_cells` is how many cells Markdown writes in a group row; None fills the row.
    """

    title: str
    columns: tuple[Header, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    preamble: str = ""
    heading_level: int = 3
    blank_lines: int = 1
    group_cells: int | None = None
    continues: bool = False

    def sections(self) -> Iterator[tuple[str, list[Row]]]:
        """Group title (may be empty) and its rows, in order."""
        for group, rows in groupby(self.rows, key=lambda row: row.group):
            yield group, list(rows)

    def head_rows(self) -> list[list[Heading]]:
        """The head as lines of squares from the left, the outermost above.

        A column with fewer heads than others reaches up through the lines that it lacks.
        """
        depth = max(len(column.above) for column in self.columns)
        lines: list[list[Heading]] = [[] for _ in range(depth + 1)]
        for level in range(depth):
            for path, neighbours in groupby(range(len(self.columns)), key=self._path(level)):
                columns = list(neighbours)
                if path:
                    over = Heading(
                        text=path[-1], at=columns[0], columns=len(columns), is_above=True
                    )
                    lines[level].append(over)
        for at, column in enumerate(self.columns):
            level = len(column.above)
            lines[level].append(Heading(text=column.text, at=at, rows=depth - level + 1))
        return [sorted(line, key=lambda heading: heading.at) for line in lines]

    def _path(self, level: int) -> Callable[[int], tuple[str, ...]]:
        """For a column the heads over it down to that level; empty where it has none there."""

        def path(at: int) -> tuple[str, ...]:
            above = self.columns[at].above
            return above[: level + 1] if level < len(above) else ()

        return path


def headers(
    heads: Iterable[str], *, texts: int = 1, figures: Collection[str] | None = None
) -> tuple[Header, ...]:
    """Plain heads: over figures stand those that are named, or else all but the first `texts`."""
    return tuple(
        Header(text=head, align="right" if is_figure else "left")
        for at, head in enumerate(heads)
        for is_figure in [at >= texts if figures is None else head in figures]
    )


def table_of(
    columns: Sequence[Header], rows: Iterable[Sequence[Entry]], *, title: str = ""
) -> Table:
    """A table of plain rows."""
    return Table(
        title=title,
        columns=tuple(columns),
        rows=tuple(Row(entries=tuple(row)) for row in rows),
    )


def blocks(rows: Sequence[Row]) -> list[list[Row]]:
    """Whether it is a web address, or a page beside this one."""
    parts = groupby(rows, key=lambda row: (row.group, row.block))
    return [list(part) for _, part in parts]


def firsts_of_blocks(rows: Sequence[Row]) -> list[tuple[Row, bool]]:
    """Each row, and whether it is the first of its block."""
    return [(row, at == 0) for block in blocks(rows) for at, row in enumerate(block)]


def is_address(link: str) -> bool:
    """Whether it leads to the web, or to a page that lies beside this one."""
    return link.lower().startswith(("https://", "http://")) or bool(_PAGE.fullmatch(link))


def printable(text: str) -> str:
    """Digits before the decimal point, after the first, of the value rounded to three digits."""
    spaced = " ".join(text.split())
    if spaced.isprintable():
        return spaced
    return "".join(character if character.isprintable() else "\ufffd" for character in spaced)
