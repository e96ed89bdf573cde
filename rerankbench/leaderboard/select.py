"""Which records a leaderboard shows, and in which row each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.facts import FamilyColumn
from rerankbench.leaderboard.columns.quality import MeasuredColumn
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.row_order import Places, RowPosition
from rerankbench.leaderboard.rows import RowRecords, Selection, Square
from rerankbench.results import derived, grouping
from rerankbench.types import Record, TaskKey, slug


def kept(records: Iterable[Record], layout: Layout) -> list[Record]:
    """The records that pass the layout's filters and columns, in a fixed order.

    Raises UsageError where none is left.
    """
    records = list(records)
    is_shown = _Shown(layout)
    passing = [record for record in records if _passes(record, layout) and is_shown(record)]
    if not passing:
        raise UsageError(
            f"none of {len(records)} records fits the layout '{layout.name}'; "
            f"it asks for {_description(layout)}: choose another layout, or change a copy of it"
        )
    return grouping.in_order(passing)


def select(records: Sequence[Record], layout: Layout) -> Selection:
    """Sort records into rows; if several fit one cell, the newest counts."""
    records, kept_apart = _without_added(records, layout)
    places, squares = Places(layout), _Squares(layout)
    rows: dict[tuple[RowPosition, RowPosition | None], list[Record]] = {}
    for record in records:
        row = places.row(record)
        if row is not None:
            rows.setdefault(row, []).append(record)
    lines = [_line(row, found, squares, layout) for row, found in rows.items()]
    first_stages = grouping.newest(
        filter(derived.is_first_stage, records), lambda record: record.task
    )
    return Selection(
        lines=tuple(sorted(lines, key=lambda line: line.place)),
        first_stages=first_stages,
        bases=first_stages if layout.baseline is None else _bases(records, layout.baseline),
        baseline=layout.baseline,
        chosen_among=tuple(
            f"{model.name} on {choice}"
            for (model, _), row_records in rows.items()
            for choice in squares.choices(row_records)
        ),
        left_out=tuple(dict.fromkeys(places.left_out(records))),
        kept_apart=kept_apart,
    )


def _bases(records: Iterable[Record], baseline: str) -> dict[TaskKey, Record]:
    named = (record for record in records if record.cell.reranker.name == baseline)
    return grouping.newest(named, lambda record: record.task)


def _line(
    row: tuple[RowPosition, RowPosition | None],
    records: Sequence[Record],
    squares: _Squares,
    layout: Layout,
) -> RowRecords:
    """One row; its block is its first stage where those have rows, else its family."""
    model, stage = row
    filled = squares.filled(records)
    # The default is the newest record; with added positives only if all records have them.
    usual = sorted(
        filled.values(), key=lambda record: (not record.cell.adds_positives, grouping.age(record))
    )
    family_row = "" if layout.has(FamilyColumn) else model.group
    return RowRecords(
        name=f"{model.name} on {stage.name}" if stage else model.name,
        label=model.label,
        group=stage.group if stage else family_row,
        block=stage.label if stage else model.group,
        place=(stage.order if stage else (0, 0, ""), model.order),
        records={derived.collection_slug(record): record for record in usual},
        squares=filled if squares.are_told_apart else {},
        link=model.link,
        own=model.own,
    )


class _Squares:
    """The cells of a row, as far as the layout distinguishes them."""

    def __init__(self, layout: Layout) -> None:
        self._first_stages = layout.tells_first_stages_apart
        self._positives = layout.tells_positives_apart
        self.are_told_apart = self._first_stages or self._positives

    def of(self, record: Record) -> Square:
        """The cell of the record."""
        stage = slug(derived.first_stage(record)) if self._first_stages else ""
        added = self._positives and record.cell.adds_positives
        return Square(derived.collection_slug(record), stage, added)

    def filled(self, records: Sequence[Record]) -> dict[Square, Record]:
        """The newest record of each cell."""
        return grouping.newest(records, self.of)

    def choices(self, records: Sequence[Record]) -> Iterator[str]:
        """Collections with more than one record to choose from."""
        squares: dict[Square, list[Record]] = {}
        for record in records:
            squares.setdefault(self.of(record), []).append(record)
        for candidates in squares.values():
            # A record that was copied to a second folder is still one record.
            keys = {
                (candidate.quality_key, candidate.speed_key, candidate.started_at)
                for candidate in candidates
            }
            if len(keys) > 1:
                yield f"{candidates[0].cell.collection.name} ({len(keys)} records)"


def _without_added(
    records: Sequence[Record], layout: Layout
) -> tuple[Sequence[Record], tuple[str, ...]]:
    """Leave out added positives if only some have them and no column shows them; returns which.

    They never share a column with others: no search reaches what they show.
    """
    plain = [record for record in records if not record.cell.adds_positives]
    if layout.tells_positives_apart or not plain or len(plain) == len(records):
        return records, ()
    added = [record.cell.collection.name for record in records if record.cell.adds_positives]
    return plain, tuple(dict.fromkeys(added))


def _passes(record: Record, layout: Layout) -> bool:
    cell = record.cell
    filters = (
        (layout.depth, cell.depth),
        (layout.split, cell.collection.split),
        (layout.device, cell.engine.device),
        (layout.machine, record.environment.machine_id),
    )
    # Baselines have no dtype, so they belong beside models of any dtype.
    dtype_fits = layout.dtype in (None, cell.reranker.dtype) or derived.is_baseline(record)
    return dtype_fits and all(wanted is None or wanted == actual for wanted, actual in filters)


class _Shown:
    """Whether a column may show a record; without metric columns, any of the first stage."""

    def __init__(self, layout: Layout) -> None:
        self._columns = layout.measured
        self._first_stage = () if layout.first_stage is None else (layout.first_stage,)
        self._positives = layout.tells_positives_apart

    def __call__(self, record: Record) -> bool:
        if not self._columns:
            return _is_from(record, self._first_stage)
        return any(self._by(column, record) for column in self._columns)

    def _by(self, column: MeasuredColumn, record: Record) -> bool:
        # A column without a collection shows all of them: in its table, in columns, or together.
        return (
            (not column.parts or derived.collection_slug(record) in _slugs(column))
            and _is_from(record, column.first_stage)
            and (not self._positives or column.adds_positives == record.cell.adds_positives)
        )


def _is_from(record: Record, first_stage: Sequence[str]) -> bool:
    return not first_stage or derived.is_first_stage_called(record, first_stage)


def _slugs(column: MeasuredColumn) -> frozenset[str]:
    return frozenset(slug(name) for names in column.parts for name in names)


def _description(layout: Layout) -> str:
    keys = ("first_stage", "depth", "split", "device", "dtype", "machine")
    parts = [f"{key} {getattr(layout, key)}" for key in keys if getattr(layout, key) is not None]
    columns = layout.measured
    if columns and all(column.parts for column in columns):
        parts.append("the collections in its columns")
    return ", ".join(parts) or "records, of which there are none"
