"""The columns of one table after expansion, and their heads."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.known import collections
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.quality import MeasuredColumn, RepeatedColumn
from rerankbench.leaderboard.rows import Selection
from rerankbench.leaderboard.table import Align, Header
from rerankbench.results import derived
from rerankbench.types import slug


def expand(columns: Sequence[Column], selection: Selection) -> list[Column]:
    """The same columns; one that asks for every collection becomes one column for each."""
    expanded: list[Column] = []
    for column in columns:
        if isinstance(column, RepeatedColumn) and column.every_collection:
            expanded += _every_collection(column, selection)
        else:
            expanded.append(column)
    return expanded


def _every_collection(column: RepeatedColumn, selection: Selection) -> list[Column]:
    """One column a collection, by name; parts of a known whole (CQADupStack) share one column."""
    names = {
        derived.collection_slug(record): record.cell.collection.name
        for record in selection.records()
    }
    wholes = {slug(member): whole for whole in collections.known() for member in whole.members}
    columns: dict[str, Column] = {}
    for collection in sorted(names):
        whole = wholes.get(collection)
        if whole is None:
            columns[collection] = column.model_copy(update={"collection": (names[collection],)})
        else:
            members = tuple((member,) for member in whole.members)
            update = {"members": members, "header": column.header or whole.name}
            columns.setdefault(whole.slug, column.model_copy(update=update))
    return list(columns.values())


def header(column: Column, context: Context, align: Align) -> Header:
    """The column's head: from the layout, or the usual one of its kind."""
    fields = column.head_fields(context)
    text = column.head.format_map(fields)
    if isinstance(column, MeasuredColumn) and (level := column.level_shown(context)) > 1:
        # The head may hold the level already, as part of the metric's name.
        has_level = any(
            f"(rel={level})" in head.format_map(fields) for head in (column.head, *column.above)
        )
        text = text if has_level else f"{text} (rel={level})".strip()
    return Header(
        text=text,
        align=column.align or align,
        above=tuple(text.format_map(fields) for text in column.above),
        better=column.better,
        spans=column.spans,
    )
