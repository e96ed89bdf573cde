"""The records behind each row, and what was selected to get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rerankbench.results import derived, grouping
from rerankbench.types import Record, TaskKey, slug


class Square(NamedTuple):
    """The key of a record within its row: slugs of collection and first stage, added positives."""

    collection: str
    first_stage: str
    adds_positives: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRecords:
    """A row to be: one reranker, or one first stage and reranker.

    `name` is the row's own; `records` has by collection slug the record that counts. Where a
    layout tells first stages or added positives apart, `squares` has every record that it asks
    for. `block` is what rows that belong together share: the family, or the first stage; `place`
    is that of the first stage and that of the model in the layout.
    """

    name: str
    label: str
    group: str
    block: str = ""
    place: tuple[tuple[int, int, str], tuple[int, int, str]]
    records: Mapping[str, Record]
    squares: Mapping[Square, Record] = field(default_factory=dict)
    link: str | None = None
    own: bool = False

    @property
    def newest(self) -> Record:
        """The record that says what kind of row this is."""
        return grouping.newest_of_all(self.records.values())

    def first_of(self, collections: Sequence[str]) -> Record | None:
        """The record of the first of these collections that the row has."""
        return first_of(self.records, collections)

    def view(
        self, first_stage: Sequence[str] = (), *, adds_positives: bool = False
    ) -> Mapping[str, Record]:
        """By collection slug the newest record of such a first stage, whatever stands for none."""
        if not self.squares:
            return self.records
        records = (
            record
            for square, record in self.squares.items()
            if square.adds_positives == adds_positives
            and (not first_stage or derived.is_first_stage_called(record, first_stage))
        )
        return grouping.newest(records, derived.collection_slug)

    def all_records(self) -> Iterator[Record]:
        """Every record that counts."""
        yield from (self.squares or self.records).values()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows in the layout's order, and what readers must know about the selection.

    `first_stages` maps a task to the record of the first stage's own order, `bases` to the record
    that differences are counted from: that one, unless a `baseline` is named. `chosen_among` names
    cells for which several records stood, `left_out` rerankers and first stages that the layout
    does not list, `kept_apart` collections whose records with added positives are left out.
    """

    lines: tuple[RowRecords, ...]
    first_stages: Mapping[TaskKey, Record]
    bases: Mapping[TaskKey, Record]
    baseline: str | None = None
    chosen_among: tuple[str, ...]
    left_out: tuple[str, ...]
    kept_apart: tuple[str, ...] = ()

    def records(self) -> Iterator[Record]:
        """Every record that counts."""
        for line in self.lines:
            yield from line.all_records()


def first_of(records: Mapping[str, Record], collections: Sequence[str]) -> Record | None:
    """The record of the first of these collections that is there; keys are slugs."""
    slugs = map(slug, collections)
    return next((records[slug] for slug in slugs if slug in records), None)
