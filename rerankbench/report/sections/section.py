"""What every part of a report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rerankbench.leaderboard.table import Align, Entry, Header, Row, Table
from rerankbench.report.boards import Board
from rerankbench.report.page import Html, join, tag, text
from rerankbench.report.plots.plot import Plot, figure_html

MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part: its place in the page, its heading, and what stands in it."""

    identifier: str
    title: str
    blocks: tuple[Html | Plot, ...]

    @property
    def plots(self) -> list[Plot]:
        """The plots among the blocks."""
        return [block for block in self.blocks if isinstance(block, Plot)]

    def body(self) -> Html:
        """All blocks as markup; plots are drawn here."""
        return join(figure_html(one) if isinstance(one, Plot) else one for one in self.blocks)


def board_heading(board: Board) -> Html:
    """Which board the blocks that follow are about."""
    return tag("h3", text(board.title), class_="board")


def plot_name(kind: str, board: Board) -> str:
    """A name that no other plot of the report has."""
    return kind if board.number == 1 else f"{kind}-{board.number}"


def paragraph(*parts: str) -> Html:
    """A paragraph in the quiet voice of notes."""
    return tag("p", *parts, class_="note")


def names(values: Iterable[str]) -> Html:
    """Names out of records, in a sentence."""
    found = [text(value) for value in values]
    if len(found) == 1:
        return found[0]
    return join((Html(", ".join(found[:-1])), " and ", found[-1]))


def in_words(sentences: Iterable[str]) -> str:
    """What a plot shows, for those who cannot see it: not more than one would listen to."""
    found = list(sentences)
    rest = len(found) - MOST_SENTENCES
    shown = " ".join(found[:MOST_SENTENCES])
    return f"{shown} The table below has {rest} more." if rest > 0 else shown


def data_table(
    title: str, columns: Sequence[tuple[str, Align]], rows: Iterable[Sequence[Entry]]
) -> Table:
    """The figures behind a plot."""
    return Table(
        title=title,
        columns=tuple(Header(text=words, align=align) for words, align in columns),
        rows=tuple(Row(entries=tuple(row)) for row in rows),
    )


def facts(values: Mapping[str, Html]) -> Html:
    """Names of facts and what they are, as a list of two columns."""
    rows = (part for name, value in values.items() for part in (tag("dt", name), tag("dd", value)))
    return tag("dl", *rows, class_="facts")
