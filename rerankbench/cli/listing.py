"""Shared by commands that list known things: `--format`, and how each format is written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rerankbench.leaderboard.renderers import markdown
from rerankbench.leaderboard.table import Table

if TYPE_CHECKING:
    from rich.console import Console


class ListFormat(StrEnum):
    """The format of a list."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


FormatOption = Annotated[
    ListFormat, typer.Option("--format", metavar="NAME", help="table, json or markdown.")
]


def print_list(
    output: ListFormat,
    *,
    facts: Sequence[Mapping[str, object]],
    page: Table,
    screen: Table,
    notes: Mapping[str, str],
    last: str,
) -> None:
    """Print every fact as JSON, the whole page as Markdown, or what a screen has room for.

    Below the latter stands each note under its name, then a last paragraph.
    """
    if output is ListFormat.JSON:
        typer.echo(json.dumps(facts, indent=2))
    elif output is ListFormat.MARKDOWN:
        typer.echo(markdown.render([page]), nl=False)
    else:
        _print_screen(screen, notes, last)


def _print_screen(screen: Table, notes: Mapping[str, str], last: str) -> None:
    from rich.console import Console
    from rich.text import Text

    from rerankbench.leaderboard.renderers.terminal import show

    console = Console()
    show([screen], console)
    if notes:
        console.print()
    for name, note in notes.items():
        console.print(Text(f"{name}:", style="bold"))
        _print_wrapped(console, note, indent="  ")
    console.print()
    _print_wrapped(console, last)


def _print_wrapped(console: Console, text: str, *, indent: str = "") -> None:
    from rich.text import Text

    lines = textwrap.wrap(text, console.width, initial_indent=indent, subsequent_indent=indent)
    console.print(Text("\n".join(lines)))
