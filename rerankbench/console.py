"""What a person sees in the terminal while it runs: rich, on stderr, escaped.

Results go to stdout and are not this module's business.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from rerankbench.errors import LONGEST, shortened
from rerankbench.progress import Advance

MOST_LINES = 20


class Terminal:
    """Shows progress on stderr; quiet shows warnings alone, verbose names every task."""

    def __init__(self, *, verbosity: int = 0) -> None:
        """Take −1 for quiet, 0 for normal, 1 and more for verbose."""
        self._verbosity = verbosity
        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        """A bar in a terminal, a line in a log."""
        label = printable(description)
        if self._verbosity < 0 or not self._console.is_terminal:
            if self._verbosity > 0:
                count = f" ({total:,} {unit})" if total is not None else ""
                self._console.print(f"{escape(label)}{count}", style="dim")
            yield lambda done: None
            return
        columns = [
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn() if total is None else TimeRemainingColumn(),
        ]
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(escape(label[:30]), total=total)
            yield lambda done: bar.advance(task, done)

    def note(self, text: str) -> None:
        """A fact worth a line."""
        if self._verbosity >= 0:
            self._console.print(escape(shortened(printable(text))), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something that may make the numbers other than expected."""
        line = shortened(printable(text), LONGEST - len("warning: "))
        self._console.print(f"[yellow]warning:[/] {escape(line)}", soft_wrap=True)

    def error(self, text: str) -> None:
        """Why the command ends: one mistake a line, and no more lines than a person reads."""
        lines = text.splitlines()
        if len(lines) > MOST_LINES:
            more = f"and {len(lines) - MOST_LINES + 1} more; mend these first"
            lines = [*lines[: MOST_LINES - 1], more]
        for line in lines:
            told = shortened(printable(line), LONGEST - len("error: "))
            self._console.print(f"[red]error:[/] {escape(told)}", soft_wrap=True)


class _WarningLines(logging.Handler):
    """Shows what the package logs as the warnings of a run are shown."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.WARNING)
        self._terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.warn(record.getMessage())


@contextmanager
def showing_log(terminal: Terminal) -> Iterator[None]:
    """Show what rerankbench logs as lines `warning: …`, as long as the block lasts.

    Rooms that work without a terminal log what they warn of, so that a program that uses them can
    decide who reads it.
    """
    logger, handler = logging.getLogger("rerankbench"), _WarningLines(terminal)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def printable(text: str) -> str:
    """Text whose control characters are shown, so that no file can drive the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
