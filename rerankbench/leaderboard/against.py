"""Measured figures beside those that others published for the same model and collection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rerankbench.errors import UsageError, nearest
from rerankbench.known import collections, models, published
from rerankbench.known.published import PublishedFigure, Source
from rerankbench.leaderboard.columns.quality import MetricColumn
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.renderers import RECORDS_FORMAT, renderer
from rerankbench.leaderboard.select import kept, select
from rerankbench.leaderboard.table import Entry, Row, Table, headers
from rerankbench.results import derived
from rerankbench.results.candidate_words import shortfall
from rerankbench.types import Record, TaskKey, slug

CHOICES = ("published",)
"""What records can be set against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """A row: what was measured and what was published for it."""

    label: str
    record: Record
    value: float
    figure: PublishedFigure


def publish_against(
    records: Sequence[Record], layout: Layout, format_name: str, choice: str
) -> str:
    """Tables of measured and published figures in one of the formats.

    Raises UsageError for an unknown choice or format, and where nothing was published for any of
    the records.
    """
    if choice not in CHOICES:
        raise UsageError(f"--against '{choice}' is unknown; {nearest(choice, CHOICES)}")
    if format_name == RECORDS_FORMAT:
        raise UsageError("--format json prints records as they are; leave out --against")
    return renderer(format_name)(against_published(records, layout))


def against_published(records: Sequence[Record], layout: Layout) -> list[Table]:
    """A table for each task and metric for which there is a published figure.

    Rows are the layout's, as are its filters. Raises UsageError where there is no such figure.
    """
    tasks: dict[TaskKey, list[Record]] = {}
    for record in kept(records, layout):
        tasks.setdefault(record.task, []).append(record)
    tables = [
        _table(pairs, metric, layout)
        for group in tasks.values()
        for metric in _metrics(layout, group)
        if (pairs := _pairs(group, metric, layout))
    ]
    if not tables:
        titles = dict.fromkeys(figure.source.title for figure in published.published())
        raise UsageError(
            f"none of {len(records)} records has a model, collection and metric with a published "
            f"figure; known are those of: {'; '.join(titles)}"
        )
    return tables


def _metrics(layout: Layout, records: Sequence[Record]) -> list[str]:
    """The metrics of the layout's columns; a column without one shows the headline."""
    usual = layout.metric or derived.headline(records)
    columns = [column for table in layout.tables for column in table.columns]
    named = [column.metric or usual for column in columns if isinstance(column, MetricColumn)]
    return list(dict.fromkeys(metric for metric in named if metric is not None))


def _pairs(records: Sequence[Record], metric: str, layout: Layout) -> list[_Pair]:
    """Rows with both figures, the best measured one first."""
    pairs = []
    for line in select(records, layout).lines:
        record = line.newest
        value, figure = record.mean(metric), _nearest_figure(line.name, record, metric)
        if value is not None and figure is not None:
            pairs.append(_Pair(label=line.label, record=record, value=value, figure=figure))
    return sorted(pairs, key=lambda pair: (-pair.value, pair.label))


def _nearest_figure(name: str, record: Record, metric: str) -> PublishedFigure | None:
    """The published figure whose setting is nearest to the record's; doubted figures never count.

    `name` is the row's: with `also` a layout says which published model a folder holds.
    """
    collection, model = _collection(record), models.find(name)
    spellings = model.spellings if model else frozenset({name.casefold()})
    figures = published.find(spellings, collection, metric)
    believed = [figure for figure in figures if not figure.doubt]
    return min(believed, key=lambda figure: len(_departures(figure, record)), default=None)


def _collection(record: Record) -> str:
    """The short name under which figures of the record's collection are published."""
    collection = record.cell.collection
    known = collections.by_id(collection.source) or collections.by_slug(slug(collection.name))
    if known is None or known.members:
        return slug(collection.name)
    return known.slug


def _departures(figure: PublishedFigure, record: Record) -> list[str]:
    """How the published setting differs from the measured one, or does not say."""
    cell, departures = record.cell, []
    if figure.first_stage != cell.first_stage.name:
        stated = figure.first_stage or "not stated"
        departures.append(f"first stage {stated}, here {cell.first_stage.name}")
    if figure.depth != cell.depth:
        departures.append(f"depth {figure.depth or 'not stated'}, here {cell.depth}")
    if figure.adds_positives != cell.adds_positives:
        words = {True: "added", False: "not added"}
        departures.append(
            f"missed positives {words[figure.adds_positives]}, here {words[cell.adds_positives]}"
        )
    known = collections.by_slug(figure.collection or "")
    if known is not None and cell.collection.split != known.split:
        departures.append(f"split {known.split}, here {cell.collection.split}")
    if cell.collection.sampled_queries is not None:
        departures.append(f"all queries, here a sample of {cell.collection.sampled_queries}")
    return departures


def _table(pairs: Sequence[_Pair], metric: str, layout: Layout) -> Table:
    sources = list(dict.fromkeys((pair.figure.source, pair.figure.table) for pair in pairs))
    cell = pairs[0].record.cell
    return Table(
        title=f"{cell.collection.name} ({cell.collection.split}), {cell.first_stage.name} "
        f"top-{cell.depth}{shortfall(pair.record for pair in pairs)}: measured and published",
        columns=headers(("Reranker", metric, "published", "Δ", "source")),
        rows=tuple(_row(pair, sources, layout.decimals) for pair in pairs),
        notes=tuple(_notes(pairs, sources)),
    )


def _row(pair: _Pair, sources: Sequence[tuple[Source, str]], decimals: int) -> Row:
    figure = pair.figure
    number = sources.index((figure.source, figure.table)) + 1
    measured = Entry(value=pair.value, form="fixed", decimals=decimals)
    return Row(
        entries=(
            Entry(value=pair.label),
            measured,
            Entry(value=figure.value, form="fixed", decimals=figure.decimals),
            replace(measured, value=pair.value - figure.value, form="signed"),
            Entry(value=str(number), link=figure.source.url),
        ),
        emphasised=derived.is_baseline(pair.record),
    )


def _notes(pairs: Sequence[_Pair], sources: Sequence[tuple[Source, str]]) -> Iterator[str]:
    """The sources, each with the ways in which its setting differs from the measured one."""
    yield "Δ is measured less published; the published figure is exact only to its last digit."
    for number, (source, table) in enumerate(sources, start=1):
        from_source = [
            pair for pair in pairs if (pair.figure.source, pair.figure.table) == (source, table)
        ]
        date = f", {source.date}" if source.date else ""
        yield f"Source {number}: {source.title}, {table} ({source.authors}{date}), {source.url}."
        departures = dict.fromkeys(
            departure
            for pair in from_source
            for departure in _departures(pair.figure, pair.record)
        )
        if departures:
            yield f"Caution: source {number} has another setting: {'; '.join(departures)}."
        for note in dict.fromkeys(pair.figure.note for pair in from_source if pair.figure.note):
            yield f"Source {number}: {note}"
