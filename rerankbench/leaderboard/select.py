"""Which records a leaderboard shows, and in which row each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rerankbench import figures
from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.quality import MeasuredColumn
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.lines import Line, Selection
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    name: str
    label: str
    group: str
    order: tuple[int, int, str]


def kept(records: Iterable[Record], layout: Layout) -> list[Record]:
    """The records that the layout's filters and columns ask for, in a fixed order.

    Raises UsageError where none is left.
    """
    records = list(records)
    wanted = _collections(layout)
    found = [
        record
        for record in records
        if _passes(record, layout)
        and (wanted is None or figures.collection_slug(record) in wanted)
    ]
    if not found:
        raise UsageError(
            f"none of {len(records)} records fits the layout '{layout.name}'; "
            f"it asks for {_asked(layout)}: choose another layout, or change a copy of it"
        )
    return figures.in_order(found)


def select(records: Sequence[Record], layout: Layout) -> Selection:
    """Sort records into rows; where several fill one square the newest counts."""
    listed = _listed(layout)
    squares: dict[str, dict[str, list[Record]]] = {}
    places: dict[str, _Place] = {}
    left_out: dict[str, None] = {}
    for record in records:
        name = record.cell.reranker.name
        place = listed.get(name) or _unlisted(name, layout)
        if place is None:
            left_out[name] = None
            continue
        places[place.name] = place
        square = squares.setdefault(place.name, {}).setdefault(figures.collection_slug(record), [])
        square.append(record)
    lines = [_line(places[name], by_collection) for name, by_collection in squares.items()]
    return Selection(
        lines=tuple(sorted(lines, key=lambda line: line.place)),
        first_stages={
            figures.task_key(record): record
            for record in sorted(records, key=figures.age)
            if figures.is_first_stage(record)
        },
        chosen_among=tuple(_chosen_among(squares)),
        left_out=tuple(left_out),
    )


def _line(place: _Place, by_collection: Mapping[str, Sequence[Record]]) -> Line:
    return Line(
        name=place.name,
        label=place.label,
        group=place.group,
        place=place.order,
        records={slug: max(found, key=figures.age) for slug, found in by_collection.items()},
    )


def _chosen_among(squares: Mapping[str, Mapping[str, Sequence[Record]]]) -> Iterator[str]:
    for name, by_collection in squares.items():
        for found in by_collection.values():
            # A record that was copied to a second folder is still one record.
            keys = {(one.quality_key, one.speed_key, one.started_at) for one in found}
            if len(keys) > 1:
                yield f"{name} on {found[0].cell.collection.name} ({len(keys)} records)"


def _passes(record: Record, layout: Layout) -> bool:
    cell = record.cell
    asked = (
        (layout.first_stage, cell.first_stage.name),
        (layout.depth, cell.depth),
        (layout.split, cell.collection.split),
        (layout.device, cell.engine.device),
        (layout.machine, record.environment.machine_id),
    )
    # What is no model has no dtype: it belongs beside the models of any.
    dtype_fits = layout.dtype in (None, cell.reranker.dtype) or figures.is_baseline(record)
    return dtype_fits and all(want is None or want == have for want, have in asked)


def _asked(layout: Layout) -> str:
    keys = ("first_stage", "depth", "split", "device", "dtype", "machine")
    asked = [f"{key} {getattr(layout, key)}" for key in keys if getattr(layout, key) is not None]
    if _collections(layout) is not None:
        asked.append("the collections in its columns")
    return ", ".join(asked) or "records, of which there are none"


def _collections(layout: Layout) -> frozenset[str] | None:
    """Slugs of the collections that have a column; None where every collection has one."""
    columns = [
        column
        for table in layout.tables
        for column in table.columns
        if isinstance(column, MeasuredColumn)
    ]
    # A column that names none shows every collection, in columns of their own or together.
    every = any(not column.collection and not column.members for column in columns)
    if layout.per_collection or every or not columns:
        return None
    return frozenset(
        figures.slug(name) for column in columns for name in (*column.collection, *column.members)
    )


def _listed(layout: Layout) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for number, family in enumerate(layout.families):
        for at, model in enumerate(family.models):
            place = _Place(
                name=model.name,
                label=model.label or model.name,
                group=family.title,
                order=(number, at, model.name),
            )
            places.update(dict.fromkeys((model.name, *model.also), place))
    return places


def _unlisted(name: str, layout: Layout) -> _Place | None:
    if not layout.families:
        return _Place(name=name, label=name, group="", order=(0, 0, name))
    if layout.other is None:
        return None
    order = (len(layout.families), 0, name)
    return _Place(name=name, label=name, group=layout.other, order=order)
