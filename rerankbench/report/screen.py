"""A page at a terminal: headings, tables and wrapped lines, no wider than it is."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from rerankbench.leaderboard.renderers import terminal
from rerankbench.leaderboard.table import Table, printable


def is_read_at_terminal() -> bool:
    """Whether stdout is a terminal: what is piped is Markdown."""
    return sys.stdout.isatty()


class Screen:
    """Collects what a terminal shows; texts are never read as markup."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._console.begin_capture()
        self._is_empty = True

    def heading(self, text: str) -> None:
        """A line that stands out, parted from what is above."""
        self._part()
        self._console.print(Text(printable(text), style="bold"))

    def tables(self, *tables: Table) -> None:
        """Tables with their notes, parted from what is above."""
        self._part()
        terminal.show(tables, self._console)

    def lines(self, texts: Sequence[str], first: str = "- ", then: str = "  ") -> None:
        """Each text with `first` before it and `then` before the lines that it goes on in."""
        for text in texts:
            wrapped = textwrap.wrap(
                printable(text),
                self._console.width,
                initial_indent=first,
                subsequent_indent=then,
                break_on_hyphens=False,
            )
            self._console.print(Text("\n".join(wrapped)))
        self._is_empty = False

    def text(self) -> str:
        """All of it."""
        return self._console.end_capture()

    def _part(self) -> None:
        if not self._is_empty:
            self._console.print()
        self._is_empty = False
