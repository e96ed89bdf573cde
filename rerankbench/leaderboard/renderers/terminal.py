"""Tables for people at a terminal: aligned, the best of every column marked, no wider than it is.

A table with too many columns is cut into parts, each with the names of its rows. A figure is never
cut: only names and heads are folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.style import Style
from rich.table import Table as Grid
from rich.text import Text

from rerankbench.leaderboard.highlights import best
from rerankbench.leaderboard.table import Align, Entry, Row, Table, firsts_of_blocks, printable

if TYPE_CHECKING:
    from rich.console import JustifyMethod

RowStyle: TypeAlias = Callable[[Row], str]

_BEST = "*"
_GAP = 2
_LEAST_NAME = 20
_HEAD_LINES = 3

_JUSTIFY: dict[Align, JustifyMethod] = {
    "none": "left",
    "left": "left",
    "center": "center",
    "right": "right",
}


def _plain_row(row: Row) -> str:
    return ""


def show(tables: Sequence[Table], console: Console, style: RowStyle = _plain_row) -> None:
    """Print the tables with their notes, each row in a style of rich's.

    Texts are never read as markup.
    """
    for number, table in enumerate(tables):
        if number:
            console.print()
        if table.title:
            console.print(Text(printable(table.title), style="bold"))
        shown = _Shown.of(table)
        for at, part in enumerate(shown.parts(console.width)):
            if at:
                console.print()
            for piece in _pieces(shown, part, console.width, style):
                console.print(piece)
        for note in _notes(shown):
            console.print(note)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """A table, which of its squares hold the best figure of a column, and how wide columns are."""

    table: Table
    best: frozenset[tuple[int, int]]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, table: Table) -> _Shown:
        """Find the best figures and the widths."""
        rows = table.rows
        best_entries = frozenset(
            (at, column)
            for column, head in enumerate(table.columns)
            if head.better is not None
            for at in best(rows, range(len(rows)), column, head.better)
        )
        widths = [_width(table, column) for column in range(len(table.columns))]
        for column in {column for _, column in best_entries}:
            widths[column] += len(_BEST)
        return cls(table=table, best=best_entries, widths=tuple(widths))

    @property
    def has_best(self) -> frozenset[int]:
        """Columns with a mark, in which every figure leaves room for one."""
        return frozenset(column for _, column in self.best)

    def parts(self, width: int) -> Iterator[list[int]]:
        """Columns for each part of the table; those that name the rows are in every part."""
        names = _naming(self.table)
        # The last of them may be folded.
        fixed = sum(self.widths[at] + _GAP for at in names[:-1])
        folded = min(self.widths[names[-1]], _LEAST_NAME) if names else 0
        part, used = list(names), fixed + folded
        for at in range(len(self.table.columns)):
            if at in names:
                continue
            if used + _GAP + self.widths[at] > width and len(part) > len(names):
                yield part
                part, used = list(names), fixed + folded
            part.append(at)
            used += _GAP + self.widths[at]
        yield part


def _naming(table: Table) -> list[int]:
    """The columns that say what a row is: those that span blocks, then the first with texts."""
    spanning = [at for at, column in enumerate(table.columns) if column.spans]
    texts = (
        at
        for at, column in enumerate(table.columns)
        if not column.spans and any(isinstance(row.entries[at].value, str) for row in table.rows)
    )
    return sorted([*spanning, *[at for at in [next(texts, None)] if at is not None]])


def _width(table: Table, column: int) -> int:
    """Room for every entry, for every word of the head, and for the head in a few lines."""
    head = printable(table.columns[column].full)
    cells = [cell_len(_plain(row.entries[column])) for row in table.rows]
    words = [cell_len(word) for word in head.split()]
    return max(-(-cell_len(head) // _HEAD_LINES), *cells, *words, 1)


def _pieces(
    shown: _Shown, part: Sequence[int], width: int, style: RowStyle
) -> Iterator[Grid | Text]:
    """The head, then each group of rows below its title, which may be wider than its column."""
    yield _grid(shown, part, width, show_header=True)
    at_row = 0
    for group, rows in shown.table.sections():
        if group:
            yield Text(printable(group), style="bold")
        grid = _grid(shown, part, width, show_header=False)
        for row, first in firsts_of_blocks(rows):
            cells = (_cell(shown, row, at_row, at, first=first) for at in part)
            grid.add_row(*cells, style=style(row))
            at_row += 1
        yield grid


def _grid(shown: _Shown, part: Sequence[int], width: int, *, show_header: bool) -> Grid:
    grid = Grid(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        show_header=show_header,
    )
    names = _naming(shown.table)
    room = width - sum(shown.widths[at] + _GAP for at in part if at not in names[-1:])
    for at in part:
        column, own = shown.table.columns[at], shown.widths[at]
        head = printable(column.full)
        may_fold = at in names[-1:]
        grid.add_column(
            Text(head, style="bold"),
            justify=_JUSTIFY[column.align],
            overflow="fold",
            width=max(1, min(max(own, cell_len(head)), room)) if may_fold else own,
            vertical="top",
        )
    return grid


def _cell(shown: _Shown, row: Row, at_row: int, column: int, *, first: bool) -> Text:
    entry = row.entries[column]
    if shown.table.columns[column].spans and not first:
        return Text()
    is_best = (at_row, column) in shown.best
    style = Style(
        dim=row.emphasised or None,
        italic=row.emphasised or None,
        bold=(entry.strong or is_best) or None,
        color="green" if is_best else None,
        link=entry.url or None,
    )
    plain = _plain(entry)
    if column in _naming(shown.table):
        return Text(plain, style=style)
    # Padded here, so that figures stand below each other, with a mark or without.
    room = shown.widths[column] - len(_BEST) * (column in shown.has_best) - cell_len(plain)
    align = shown.table.columns[column].align
    before = {"right": room, "center": room // 2}.get(align, 0)
    text = Text(" " * before, justify="left")
    text.append(plain, style=style)
    return text.append(_BEST, style=style) if is_best else text


def _plain(entry: Entry) -> str:
    mark = printable(entry.mark)
    return f"{entry.text} {mark}".strip() if mark else entry.text


def _notes(shown: _Shown) -> Iterator[Text]:
    if shown.best:
        yield Text(f"{_BEST} best of its column", style="dim")
    for note in shown.table.notes:
        is_caution = note.startswith("Caution:")
        yield Text(f"- {printable(note)}", style="yellow" if is_caution else "dim")
