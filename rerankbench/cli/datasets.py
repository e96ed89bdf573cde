"""`rerankbench datasets`: the collections that are known by name."""

from __future__ import annotations

from dataclasses import asdict

import typer

from rerankbench.cli.listing import FormatOption, ListFormat, as_json, as_markdown, print_notes
from rerankbench.known import collections
from rerankbench.known.collections import KnownCollection

_ELSEWHERE = (
    "Besides these, -d takes `demo`, the path of a BEIR folder, and every id of ir_datasets "
    "(https://ir-datasets.com), such as msmarco-passage/dev/small."
)
_MARKDOWN = {
    "Collection": "---",
    "Dataset id": "---",
    "Split": "---",
    "Queries": "---:",
    "Documents": "---:",
    "Licence needed": ":---:",
    "Note": "---",
}


def datasets(output: FormatOption = ListFormat.TABLE) -> None:
    """List the collections known by name: ids, sizes, licences, conventions.

    Example: rerankbench datasets --format markdown
    """
    entries = collections.known()
    if output is ListFormat.JSON:
        typer.echo(as_json([asdict(entry) for entry in entries]))
    elif output is ListFormat.MARKDOWN:
        rows = [
            (*_cells(entry), "yes" if entry.licence_needed else "", entry.note)
            for entry in entries
        ]
        typer.echo(as_markdown(_MARKDOWN, rows))
    else:
        _print_table(entries)


def _print_table(entries: tuple[KnownCollection, ...]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(box=None, pad_edge=False)
    for heading in ("Collection", "Dataset id (-d)", "Split"):
        table.add_column(heading, overflow="fold")
    for heading in ("Queries", "Documents"):
        table.add_column(heading, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(*(Text(cell) for cell in _cells(entry)))
    console.print(table)
    notes = {entry.name: entry.note for entry in entries if entry.note}
    print_notes(console, notes, last=_ELSEWHERE)


def _cells(entry: KnownCollection) -> tuple[str, ...]:
    return (
        entry.name,
        entry.shown_id or "none",
        entry.split,
        f"{entry.queries:,}",
        f"{entry.documents:,}",
    )
