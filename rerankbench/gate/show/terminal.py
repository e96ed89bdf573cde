"""A gate for the terminal: rich tables, then one line for each verdict that needs one."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from rerankbench.gate.show import words
from rerankbench.gate.show.tables import tables
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.table import Table

_LOUD = {"FAILED": "bold red", "REFUSED": "bold red", "unclear": "yellow"}


def render(gate: Gate, *, width: int = 80, colours: bool = False) -> str:
    """Text that fits `width` columns; `colours` adds a terminal's codes."""
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colours, no_color=not colours, highlight=False
    )
    found = tables(gate)
    for table in found:
        console.print(_grid(table))
    console.print(Text(words.headline(gate), style="bold"))
    for line in _lines(gate):
        console.print(Text(line))
    for note in found[-1].notes:
        console.print(Text(note, style="dim"))
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())


def _grid(table: Table) -> Grid:
    grid = Grid(title=table.title, title_justify="left", box=None, pad_edge=False)
    for at, column in enumerate(table.columns):
        right = column.align == "right"
        # Cells alone are folded: half of a metric's name may be another metric's.
        grid.add_column(
            Text(column.text),
            justify="right" if right else "left",
            overflow="fold",
            no_wrap=at > 0,
        )
    for row in table.rows:
        style = _LOUD.get(row.entries[-1].text, "")
        grid.add_row(*(Text(entry.text, style=style) for entry in row.entries))
    return grid


def _lines(gate: Gate) -> Iterator[str]:
    for verdict in gate.quality:
        if verdict.outcome not in ("same", "passed"):
            yield f"{verdict.outcome.upper()} {words.quality_line(verdict)}"
    for measured in gate.speed:
        if measured.outcome != "passed":
            yield f"{measured.outcome.upper()} {words.speed_line(measured)}"
