"""Notes, warnings, errors and the line of progress, on stderr."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rerankbench.console.status import Status, Task, status_of
from rerankbench.console.text import printable
from rerankbench.errors import LONGEST, shortened
from rerankbench.progress import Advance, Place

MOST_LINES = 20
LOG_EVERY_S = 30.0
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_REFRESHES_PER_S = 4


class Terminal:
    """Shows progress on stderr; quiet shows warnings alone, verbose names every task.

    In a terminal a line moves; elsewhere the same facts are said every 30 seconds.
    """

    def __init__(self, *, verbosity: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        """Take −1 for quiet, 0 for normal, 1 and more for verbose."""
        self._verbosity = verbosity
        self._console = Console(stderr=True, highlight=False)
        self._clock = clock
        self._tasks: list[Task] = []
        self._place: Place | None = None
        self._said_s = clock()

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Say what is done as long as the block lasts; of tasks inside others, the innermost."""
        label = printable(description)
        task = Task(label=label, total=total, unit=unit, began_s=self._clock())
        if self._verbosity > 0 and not self._console.is_terminal:
            count = f" ({total:,} {unit})" if total is not None else ""
            self._console.print(f"{escape(label)}{count}", style="dim")
        self._tasks.append(task)
        try:
            if self._verbosity < 0 or len(self._tasks) > 1:
                yield lambda done: task.advance(done, self._clock())
            else:
                with self._showing():
                    yield lambda done: task.advance(done, self._clock())
        finally:
            self._tasks.remove(task)

    def place(self, place: Place | None) -> None:
        """All tasks from now on are there."""
        self._place = place

    @contextmanager
    def _showing(self) -> Iterator[None]:
        if self._console.is_terminal:
            with Live(
                _Line(self),
                console=self._console,
                transient=True,
                refresh_per_second=_REFRESHES_PER_S,
                redirect_stdout=False,
            ):
                yield
            return
        over = Event()

        def speak() -> None:
            while not over.wait(1.0):
                self.say_if_due()

        speaker = Thread(target=speak, daemon=True, name="progress")
        speaker.start()
        try:
            yield
        finally:
            over.set()
            speaker.join()

    def status(self) -> Status | None:
        """What goes on now; None between tasks."""
        tasks = self._tasks[-1:]
        return status_of(tasks[0], self._place, self._clock()) if tasks else None

    def say_if_due(self) -> None:
        """Say in a log what goes on, if that was last said 30 seconds ago."""
        now_s = self._clock()
        status = self.status()
        if status is not None and now_s - self._said_s >= LOG_EVERY_S:
            self._said_s = now_s
            self._console.print(escape(shortened(status.sentence())), soft_wrap=True)

    def frame(self) -> str:
        """The sign that it is alive."""
        return _FRAMES[int(self._clock() * _REFRESHES_PER_S) % len(_FRAMES)]

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


class _Line:
    """What a terminal shows of the moment at which it is drawn."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        status = self._terminal.status()
        if status is None:
            return
        before, share, bar, behind = status.line(options.max_width - 3)
        grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
        parts: list[RenderableType] = [Text(self._terminal.frame(), style="green"), Text(before)]
        if share is not None and bar:
            parts.append(ProgressBar(total=1.0, completed=share, width=bar))
        parts.append(Text(behind))
        for _ in parts:
            grid.add_column(no_wrap=True)
        grid.add_row(*parts)
        yield grid


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
