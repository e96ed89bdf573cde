"""The building blocks of a report's sections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.report.boards import Board
from rerankbench.report.plots.plot import Plot, figure_html

MOST_SENTENCES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section: its anchor, its heading, and its blocks."""

    identifier: str
    title: str
    blocks: tuple[Markup | Plot, ...]

    @property
    def plots(self) -> list[Plot]:
        """The plots among the blocks."""
        return [block for block in self.blocks if isinstance(block, Plot)]

    def body(self) -> Markup:
        """All blocks as markup; plots are drawn here."""
        return Markup("").join(
            figure_html(block) if isinstance(block, Plot) else block for block in self.blocks
        )


def board_heading(board: Board) -> Markup:
    """Which board the blocks that follow are about; only listeners hear it where there is one."""
    css = "board" if board.total > 1 else "board alone"
    return Markup('<h3 class="{}">{}</h3>').format(css, isolated(board.title))


def plot_name(kind: str, board: Board) -> str:
    """A name that is unique among the plots of the report."""
    return kind if board.number == 1 else f"{kind}-{board.number}"


def paragraph(*parts: str) -> Markup:
    """A paragraph in the style of notes."""
    return Markup('<p class="note">{}</p>').format(Markup("").join(parts))


def names(values: Iterable[str]) -> Markup:
    """Names from records, joined for a sentence."""
    *others, last = map(isolated, values)
    return Markup("{} and {}").format(Markup(", ").join(others), last) if others else last


def in_words(sentences: Iterable[str]) -> str:
    """A text alternative for a plot, at most `MOST_SENTENCES` sentences."""
    listed = list(sentences)
    rest = len(listed) - MOST_SENTENCES
    shown = " ".join(listed[:MOST_SENTENCES])
    return f"{shown} The table below has {rest} more." if rest > 0 else shown


def facts(values: Mapping[str, Markup], css: str = "facts") -> Markup:
    """Names of facts and what they are, as a list of two columns."""
    rows = (Markup("<dt>{}</dt><dd>{}</dd>").format(*fact) for fact in values.items())
    return Markup('<dl class="{}">{}</dl>').format(css, Markup("").join(rows))
