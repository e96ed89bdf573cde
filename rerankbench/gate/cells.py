"""Which cells of two record sets are one cell before and after a change.

A cell is known by its names: collection and split, sample, first stage, depth, reranker. Contents
may have changed under the same names; then the two answered different tasks and are not compared,
which a gate tells instead of passing it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.results.grouping import different_facts, newest_pair
from rerankbench.types import Cell, Record, slug


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CellName:
    """What a cell is called in both sets."""

    collection: str
    split: str
    first_stage: str
    depth: int
    adds_positives: bool
    sample: str
    reranker: str

    def __str__(self) -> str:
        """`scifact/test · bm25 top-100 · minilm-l6`."""
        added = " + all positives" if self.adds_positives else ""
        sample = f" ({self.sample})" if self.sample else ""
        return (
            f"{self.collection}/{self.split}{sample} · {self.first_stage} top-{self.depth}{added}"
            f" · {self.reranker}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A cell before (`base`) and after (`new`) a change.

    `changed` names the facts of the task in which the two differ: then their values are of
    different work.
    """

    name: CellName
    base: Record
    new: Record
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedCells:
    """All cells of both sets: those in both, those that only the base has, and only the new."""

    both: tuple[Change, ...]
    missing: tuple[CellName, ...]
    added: tuple[CellName, ...]


def cell_name(record: Record) -> CellName:
    """The names by which a record's cell is known."""
    return name_of(record.cell)


def name_of(cell: Cell) -> CellName:
    """The names by which a cell is known."""
    sample = cell.collection.sampled_queries
    return CellName(
        collection=slug(cell.collection.name),
        split=cell.collection.split,
        first_stage=cell.first_stage.name,
        depth=cell.depth,
        adds_positives=cell.adds_positives,
        sample="" if sample is None else f"{sample} queries",
        reranker=cell.reranker.name,
    )


def match(base: Sequence[Record], new: Sequence[Record]) -> MatchedCells:
    """Match the cells of two sets by name; of several records of a cell two that compare.

    Preferred are two of one task, then two of one machine and device, then the newest.
    """
    before, after = _by_name(base), _by_name(new)
    both = [_chosen(name, before[name], after[name]) for name in sorted(before) if name in after]
    return MatchedCells(
        both=tuple(both),
        missing=tuple(sorted(before.keys() - after.keys())),
        added=tuple(sorted(after.keys() - before.keys())),
    )


def _by_name(records: Sequence[Record]) -> dict[CellName, list[Record]]:
    named: dict[CellName, list[Record]] = {}
    for record in records:
        named.setdefault(cell_name(record), []).append(record)
    return named


def _chosen(name: CellName, before: Sequence[Record], after: Sequence[Record]) -> Change:
    base, new = newest_pair(before, after, prefer=lambda base, new: base.task == new.task)
    return Change(name=name, base=base, new=new, changed=_changed(base, new))


def _changed(base: Record, new: Record) -> tuple[str, ...]:
    return tuple(different_facts((base.task, new.task)))
