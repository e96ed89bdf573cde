"""A gate for the terminal: tables, then a line for each verdict that needs attention."""

from __future__ import annotations

import io
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from rerankbench.gate.show import words
from rerankbench.gate.show.tables import tables
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.renderers.terminal import show
from rerankbench.leaderboard.table import Row, printable

_LOUD = {"FAILED": "bold red", "REFUSED": "bold red", "unclear": "yellow"}


def render(gate: Gate, *, width: int = 80, colours: bool = False) -> str:
    """Text that fits `width` columns; `colours` adds escape codes."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colours, no_color=not colours, highlight=False
    )
    *others, last = tables(gate)
    show([*others, replace(last, notes=())], console, _style)
    console.print(Text(words.headline(gate), style="bold"))
    for line in _lines(gate, width):
        console.print(Text(line))
    for note in last.notes:
        console.print(Text(note, style="dim"))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _style(row: Row) -> str:
    return _LOUD.get(row.entries[-1].text, "")


def _lines(gate: Gate, width: int) -> Iterator[str]:
    for verdict in gate.quality:
        if verdict.outcome not in ("same", "passed"):
            yield f"{verdict.outcome.upper()} {words.quality_line(verdict)}"
            queries = words.worst_queries(verdict)
            if queries:
                yield "  Worst queries:"
            for query in queries:
                yield from _wrapped(query, width)
    for measured in gate.speed:
        if measured.outcome != "passed":
            yield f"{measured.outcome.upper()} {words.speed_line(measured)}"
    command = words.compare_command(gate)
    if command:
        yield words.COMMAND_HEAD
        yield from _shell_lines([printable(shlex.quote(each)) for each in command], width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, initial_indent="  - ", subsequent_indent="    ")


def _shell_lines(command: Sequence[str], width: int) -> list[str]:
    """The command in one line, or where that is too long in several that a shell takes as one."""
    line = "  " + " ".join(command)
    if len(line) <= width:
        return [line]
    head, *rest = " ".join(command[:2]), *command[2:4], " ".join(command[4:])
    return [f"  {head} \\", *(f"    {part} \\" for part in rest[:-1]), f"    {rest[-1]}"]
