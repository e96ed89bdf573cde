"""What the commands that list known things share: `--format` and how each format is written."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rerankbench.leaderboard.renderers.markdown import escape

if TYPE_CHECKING:
    from rich.console import Console


class ListFormat(StrEnum):
    """What a list is printed as."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


FormatOption = Annotated[ListFormat, typer.Option("--format", help="What to print the list as.")]


def as_json(entries: Sequence[Mapping[str, object]]) -> str:
    """A list with one object an entry, every field of it."""
    return json.dumps(entries, indent=2)


def as_markdown(columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; `columns` maps a heading to its rule, such as `---:`."""
    lines = [list(columns), list(columns.values())]
    lines += [[escape(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def print_notes(console: Console, notes: Mapping[str, str], *, last: str) -> None:
    """Each note below its name, then a last paragraph, wrapped to the terminal."""
    from rich.text import Text

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
