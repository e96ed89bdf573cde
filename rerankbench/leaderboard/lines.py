"""Rows to be: which records stand in one row, and what was chosen to get there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rerankbench import figures
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row to be: one reranker and, by collection slug, the record that counts."""

    name: str
    label: str
    group: str
    place: tuple[int, int, str]
    records: Mapping[str, Record]

    @property
    def newest(self) -> Record:
        """The record that says what kind of row this is."""
        return max(self.records.values(), key=figures.age)

    def first_of(self, collections: Sequence[str]) -> Record | None:
        """The record of the first of these collections that the row has."""
        slugs = map(figures.slug, collections)
        return next((self.records[slug] for slug in slugs if slug in self.records), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The rows in the layout's order, and what a reader must be told about the choice.

    `first_stages` maps a task to the record of the first stage's own order. `chosen_among` names
    cells for which several records stood, `left_out` rerankers that the layout does not list.
    """

    lines: tuple[Line, ...]
    first_stages: Mapping[tuple[str, ...], Record]
    chosen_among: tuple[str, ...]
    left_out: tuple[str, ...]

    def records(self) -> Iterator[Record]:
        """Every record that counts."""
        for line in self.lines:
            yield from line.records.values()
