"""Warnings of the records, and the origin of collections and models."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.sections.section import Section, paragraph
from rerankbench.results import derived
from rerankbench.results.figures import PARAMETERS
from rerankbench.types import Record

_HASH = 12

_COLLECTION_HEADS = (
    *("Collection", "Split", "Source", "Queries"),
    *("Documents' hash", "Judgments' hash"),
)
_RERANKER_HEADS = (
    *("Reranker", "Family", "Revision", PARAMETERS.head),
    *("Type", "Max. tokens", "Engine", "Device"),
)


def warnings(records: Sequence[Record]) -> Section:
    """Every warning once, with its cells."""
    cells: dict[str, list[str]] = {}
    for record in records:
        place = f"{record.cell.reranker.name} on {record.cell.collection.name}"
        for warning in record.warnings:
            cells.setdefault(warning, []).append(place)
    rows = (
        Markup('<li>{} <span class="muted">{}</span></li>').format(
            isolated(warning), isolated("; ".join(dict.fromkeys(places)))
        )
        for warning, places in cells.items()
    )
    block = (
        Markup("<ul>{}</ul>").format(Markup("").join(rows))
        if cells
        else paragraph("No record has a warning.")
    )
    return Section(identifier="warnings", title="Warnings", blocks=(block,))


def sources(records: Sequence[Record]) -> Section:
    """Collections, first stages and models, with the hashes and revisions that identify them."""
    return Section(
        identifier="sources",
        title="Sources",
        blocks=(fragment([_collections(records), _first_stages(records), _rerankers(records)]),),
    )


def _collections(records: Sequence[Record]) -> Table:
    by_content = {
        (ref.name, ref.split, ref.hashes): record
        for record in records
        for ref in [record.cell.collection]
    }
    return table_of(
        headers(_COLLECTION_HEADS, figures=("Queries",)),
        (
            (
                Entry(value=name),
                Entry(value=split),
                Entry(value=record.cell.collection.source),
                Entry(value=derived.query_count(record), form="fixed"),
                Entry(value=hashes.corpus[:_HASH]),
                Entry(value=hashes.qrels[:_HASH]),
            )
            for (name, split, hashes), record in by_content.items()
        ),
        title="Collections",
    )


def _first_stages(records: Sequence[Record]) -> Table:
    stages = {
        (stage.name, ", ".join(f"{k} = {v}" for k, v in sorted(stage.parameters.items())))
        for stage in (record.cell.first_stage for record in records)
    }
    return table_of(
        headers(("First stage", "Parameters"), texts=2),
        ((Entry(value=name), Entry(value=parameters)) for name, parameters in sorted(stages)),
        title="First stages",
    )


def _rerankers(records: Sequence[Record]) -> Table:
    by_setup = {
        (ref.name, ref.revision, ref.dtype, ref.max_length, engine.engine, engine.device): ref
        for record in records
        for ref, engine in [(record.cell.reranker, record.cell.engine)]
    }
    return table_of(
        headers(_RERANKER_HEADS, figures=(PARAMETERS.head, "Max. tokens")),
        (
            (
                Entry(value=name),
                Entry(value=ref.family),
                Entry(value=revision[:_HASH]),
                Entry(value=ref.parameters, form="magnitude"),
                Entry(value=dtype),
                Entry(value=length, form="fixed"),
                Entry(value=engine),
                Entry(value=device),
            )
            for (name, revision, dtype, length, engine, device), ref in sorted(
                by_setup.items(), key=lambda item: item[0][0]
            )
        ),
        title="Rerankers",
    )
