"""`rerankbench models`: the rerankers that are known by name."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from rerankbench.cli.listing import FormatOption, ListFormat, as_json, as_markdown, print_notes
from rerankbench.known import models as known_models
from rerankbench.known.models import KnownModel
from rerankbench.leaderboard.table import Entry

if TYPE_CHECKING:
    from rich.table import Table

_BLANKS = (
    "Blank is what no source settles. The list limits nothing: -m also takes hub ids and folders "
    "that are not in it."
)
_MARKDOWN = {
    "Model": "---",
    "Family": "---",
    "Parameters": "---:",
    "Max length": "---:",
    "Licence": "---",
    "Released": "---",
    "Provider": "---",
    "Price": "---",
    "Note": "---",
}


def models(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXT]",
            help="Only models with this in their name, provider or family.",
            show_default=False,
        ),
    ] = None,
    output: FormatOption = ListFormat.TABLE,
) -> None:
    """List the rerankers known by name: family, size, licence, release, price.

    Example: rerankbench models late-interaction --format markdown
    """
    entries = known_models.known() if text is None else known_models.matching(text)
    if output is ListFormat.JSON:
        typer.echo(as_json([_json(entry) for entry in entries]))
    elif output is ListFormat.MARKDOWN:
        typer.echo(as_markdown(_MARKDOWN, [_markdown_cells(entry) for entry in entries]))
    else:
        _print_table(entries)


def _print_table(entries: tuple[KnownModel, ...]) -> None:
    """One section for each provider and family, its columns below those of the others."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(_grid((), header=True))
    sections: dict[str, list[KnownModel]] = {}
    for entry in entries:
        heading = ", ".join(filter(None, (entry.provider, entry.family)))
        sections.setdefault(heading, []).append(entry)
    for heading, section in sections.items():
        console.print()
        console.print(Text(heading, style="bold"))
        console.print(_grid(section))
    notes = {entry.name: _note(entry) for entry in entries if _note(entry)}
    print_notes(console, notes, last=_BLANKS)


def _grid(entries: list[KnownModel] | tuple[()], *, header: bool = False) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), expand=True, show_header=header)
    table.add_column("Model", ratio=1, overflow="fold")
    table.add_column("Licence", width=12, overflow="fold")
    table.add_column("Released", width=8)
    for heading in ("Params", "Length"):
        table.add_column(heading, width=6, justify="right")
    for entry in entries:
        month = (entry.released or "")[:7]
        cells = (entry.name, entry.licence or "", month, _size(entry), _number(entry.max_length))
        table.add_row(*map(Text, cells))
    return table


def _json(entry: KnownModel) -> dict[str, object]:
    """Every fact; a price names its unit alone, of which docs/interface.md says how many."""
    facts = asdict(entry)
    if entry.price is not None:
        price = entry.price
        facts["price"] = {
            "amount": price.amount,
            "currency": price.currency,
            "unit": price.unit,
            "as_of": price.date,
        }
    return facts


def _markdown_cells(entry: KnownModel) -> tuple[str, ...]:
    return (
        entry.name,
        entry.family,
        _size(entry),
        _number(entry.max_length),
        entry.licence or "",
        entry.released or "",
        entry.provider or "",
        entry.price.text if entry.price else "",
        entry.note,
    )


def _note(entry: KnownModel) -> str:
    price = f"{entry.price.text}." if entry.price else ""
    return " ".join(filter(None, (price, entry.note)))


def _size(entry: KnownModel) -> str:
    return Entry(value=entry.parameters, form="magnitude").text


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
