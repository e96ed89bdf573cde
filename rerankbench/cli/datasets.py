"""`rerankbench datasets`: the collections that are known by name."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rerankbench import catalogue
from rerankbench.catalogue import KnownCollection

_ELSEWHERE = (
    "Besides these, -d takes `demo`, the path of a BEIR folder, and every id of ir_datasets "
    "(https://ir-datasets.com), such as msmarco-passage/dev/small."
)


class DatasetsFormat(StrEnum):
    """What the list is printed as."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def datasets(
    output: Annotated[
        DatasetsFormat, typer.Option("--format", help="What to print the list as.")
    ] = DatasetsFormat.TABLE,
) -> None:
    """List the collections known by name: ids, sizes, licences, conventions.

    Example: rerankbench datasets --format markdown
    """
    if output is DatasetsFormat.JSON:
        typer.echo(json.dumps([asdict(entry) for entry in catalogue.known()], indent=2))
    elif output is DatasetsFormat.MARKDOWN:
        typer.echo(_markdown(catalogue.known()))
    else:
        _print_table(Console(), catalogue.known())


def _print_table(console: Console, entries: tuple[KnownCollection, ...]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("Collection", "Dataset id (-d)", "Split"):
        table.add_column(heading, overflow="fold")
    for heading in ("Queries", "Documents"):
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(*(Text(cell) for cell in _cells(entry)))
    console.print(table)
    console.print()
    for entry in entries:
        if entry.note:
            console.print(Text(f"{entry.name}:", style="bold"))
            _print_wrapped(console, entry.note, indent="  ")
    console.print()
    _print_wrapped(console, _ELSEWHERE)


def _print_wrapped(console: Console, text: str, *, indent: str = "") -> None:
    lines = textwrap.wrap(text, console.width, initial_indent=indent, subsequent_indent=indent)
    console.print(Text("\n".join(lines)))


def _cells(entry: KnownCollection) -> tuple[str, ...]:
    return (
        entry.name,
        entry.shown_id or "none",
        entry.split,
        f"{entry.queries:,}",
        f"{entry.documents:,}",
    )


def _markdown(entries: tuple[KnownCollection, ...]) -> str:
    lines = [
        "| Collection | Dataset id | Split | Queries | Documents | Licence needed | Note |",
        "| --- | --- | --- | ---: | ---: | :---: | --- |",
    ]
    for entry in entries:
        licence = "yes" if entry.licence_needed else ""
        cells = (*_cells(entry), licence, entry.note)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)
