"""`rerankbench models`: the rerankers known by name."""

from __future__ import annotations

from dataclasses import asdict
from itertools import chain
from typing import Annotated

import typer

from rerankbench.cli.listing import FormatOption, ListFormat, print_list
from rerankbench.known import models as known_models
from rerankbench.known.models import KnownModel
from rerankbench.leaderboard.table import Entry, Row, Table, headers, table_of

_BLANKS = (
    "Blank means unknown. The list is no restriction: -m also takes hub ids and folders "
    "that are not listed."
)
_SCREEN = ("Model", "Licence", "Released", "Params", "Length")
_PAGE = (*_SCREEN, "Family", "Provider", "Price", "Note")
_FIGURES = ("Params", "Length")


def models(
    text: Annotated[
        str | None,
        typer.Argument(
            metavar="TEXT",
            help="Only models with this in their name, provider or family.",
            show_default=False,
        ),
    ] = None,
    output: FormatOption = ListFormat.TABLE,
) -> None:
    """List known rerankers: family, size, licence, release, price.

    Example: rerankbench models late-interaction --format markdown
    """
    entries = known_models.known() if text is None else known_models.matching(text)
    # On a screen models of one provider and family stand together.
    groups: dict[str, list[Row]] = {}
    for entry in entries:
        group = ", ".join(filter(None, (entry.provider, entry.family)))
        cells = _entries(entry) | {"Released": Entry(value=(entry.released or "")[:7])}
        row = Row(entries=tuple(cells[head] for head in _SCREEN), group=group)
        groups.setdefault(group, []).append(row)
    print_list(
        output,
        facts=[_json(entry) for entry in entries],
        page=table_of(
            headers(_PAGE, figures=_FIGURES),
            [[_entries(entry)[head] for head in _PAGE] for entry in entries],
        ),
        screen=Table(
            title="",
            columns=headers(_SCREEN, figures=_FIGURES),
            rows=tuple(chain(*groups.values())),
        ),
        notes={entry.name: _note(entry) for entry in entries if _note(entry)},
        last=_BLANKS,
    )


def _entries(entry: KnownModel) -> dict[str, Entry]:
    return {
        "Model": Entry(value=entry.name),
        "Licence": Entry(value=entry.licence),
        "Released": Entry(value=entry.released),
        "Params": Entry(value=entry.parameters, form="magnitude"),
        "Length": Entry(value=entry.max_length, form="fixed"),
        "Family": Entry(value=entry.family),
        "Provider": Entry(value=entry.provider),
        "Price": Entry(value=entry.price.text if entry.price else None),
        "Note": Entry(value=entry.note),
    }


def _json(entry: KnownModel) -> dict[str, object]:
    """All facts; a price has only its unit, for which docs/interface.md defines the amount."""
    facts = asdict(entry)
    if entry.price is not None:
        price = entry.price
        facts["price"] = {
            "amount": price.amount,
            "currency": price.currency,
            "unit": price.unit,
            "date": price.date,
        }
    return facts


def _note(entry: KnownModel) -> str:
    price = f"{entry.price.text}." if entry.price else ""
    return " ".join(filter(None, (price, entry.note)))
