"""Matches the cells of two record sets: which are the same cell before and after a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rerankbench.results.grouping import different_facts, newest_pair
from rerankbench.types import Cell, Record, slug


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CellName:
    """The names by which a cell is matched."""

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

    `changed` names the facts in which the two tasks differ; if there are any, their values do not
    compare.
    """

    name: CellName
    base: Record
    new: Record
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedCells:
    """All cells of both sets: those in both, those in the base only, those in the new one only."""

    both: tuple[Change, ...]
    missing: tuple[CellName, ...]
    added: tuple[CellName, ...]


def cell_name(record: Record) -> CellName:
    return name_of(record.cell)


def name_of(cell: Cell) -> CellName:
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
    """Match the cells of two sets by name, and choose two records that compare for each.

    Two records of one task come first, then two of one machine and device, then the newest.
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
