"""Snapshots of records → for every cell, its steps from commit to commit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rerankbench.errors import UsageError, nearest
from rerankbench.gate.cells import CellName, Change, cell_name
from rerankbench.gate.drift import Drift, drift
from rerankbench.gate.history.commits import Commit
from rerankbench.gate.history.figure import Difference, HistoryFigure
from rerankbench.results import grouping
from rerankbench.stats.paired import PERMUTATIONS, holm
from rerankbench.types import Record, slug

ALPHA = 0.05
_CLEARLY = 10
"""So many times below `ALPHA` the least p of a test among many has to be."""
_EVERY_COMMIT_CHANGES = "environment git_sha"


_NONE = Difference()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The records of one commit."""

    commit: Commit
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A cell at a commit that changed its record; `record` and `value` are None where it went.

    `difference` is that to the step before, `p` its p after Holm over the cell's steps, `facts`
    what else changed with it. `changed` marks a difference beyond the noise; where no noise is
    known, any difference.
    """

    commit: Commit
    record: Record | None
    value: float | None
    difference: Difference = _NONE
    p: float | None = None
    facts: tuple[Drift, ...] = ()
    changed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CellHistory:
    """All steps of one cell, the oldest first, and what it came to from the first to the last."""

    name: CellName
    steps: tuple[Step, ...]
    overall: Difference


def histories(
    moments: Sequence[Moment],
    figure: HistoryFigure,
    *,
    models: Sequence[str] = (),
    collections: Sequence[str] = (),
) -> list[CellHistory]:
    """The histories of these models and collections, or of all, in the order of their names.

    Raises UsageError for a name that no record has.
    """
    cells = {cell_name(record) for moment in moments for record in moment.records}
    _check("reranker", models, {each.reranker for each in cells})
    _check("collection", collections, {each.collection for each in cells}, spelled=slug)
    wanted = [
        name
        for name in sorted(cells)
        if (not models or name.reranker in models)
        and (not collections or name.collection in map(slug, collections))
    ]
    newest = [grouping.newest(moment.records, cell_name) for moment in moments]
    found = [_history(name, _states(name, moments, newest), figure) for name in wanted]
    return [each for each in found if any(step.value is not None for step in each.steps)]


def _check(
    kind: str,
    names: Sequence[str],
    known: Iterable[str],
    *,
    spelled: Callable[[str], str] = str,
) -> None:
    known = sorted(known)
    for name in names:
        if spelled(name) not in known:
            raise UsageError(f"no {kind} '{name}' in these records; {nearest(name, known)}")


def _states(
    name: CellName, moments: Sequence[Moment], newest: Sequence[Mapping[CellName, Record]]
) -> list[tuple[Commit, Record | None]]:
    """The commits that changed the cell's record."""
    states: list[tuple[Commit, Record | None]] = []
    before: Record | None = None
    for moment, records in zip(moments, newest, strict=True):
        record = records.get(name)
        if record != before:
            states.append((moment.commit, record))
        before = record
    return states


def _history(
    name: CellName, states: Sequence[tuple[Commit, Record | None]], figure: HistoryFigure
) -> CellHistory:
    steps: list[Step] = []
    befores: list[Record | None] = []
    before: Record | None = None
    for commit, record in states:
        value = None if record is None else figure.get(record)
        step = Step(commit=commit, record=record, value=value)
        if record is not None and before is not None:
            change = Change(name=name, base=before, new=record)
            facts = [each for each in drift([change]) if each.fact != _EVERY_COMMIT_CHANGES]
            difference = figure.difference(before, record, PERMUTATIONS)
            step = replace(step, difference=difference, facts=tuple(facts))
        steps.append(step)
        befores.append(before)
        before = record or before
    records = [record for _, record in states if record is not None]
    overall = figure.difference(records[0], records[-1], PERMUTATIONS)
    finer = _finer(steps, befores, figure)
    return CellHistory(name=name, steps=tuple(_marked(finer)), overall=overall)


def _finer(
    steps: Sequence[Step], befores: Sequence[Record | None], figure: HistoryFigure
) -> list[Step]:
    """The steps, with more permutations where the least p that so few can give decides nothing."""
    tests = sum(step.difference.p is not None for step in steps)
    least = 1 / (PERMUTATIONS + 1)
    if tests * least < ALPHA / _CLEARLY:
        return list(steps)
    permutations = math.ceil(tests * _CLEARLY / ALPHA)
    return [
        replace(step, difference=figure.difference(before, step.record, permutations))
        if step.record is not None
        and before is not None
        and step.difference.p is not None
        and step.difference.p <= 2 * least
        else step
        for step, before in zip(steps, befores, strict=True)
    ]


def _marked(steps: Sequence[Step]) -> list[Step]:
    tested = [at for at, step in enumerate(steps) if step.difference.p is not None]
    corrected = holm([steps[at].difference.p or 0.0 for at in tested])
    p_of = dict(zip(tested, corrected, strict=True))
    return [
        replace(step, p=p_of.get(at), changed=_is_change(step.difference, p_of.get(at)))
        for at, step in enumerate(steps)
    ]


def _is_change(difference: Difference, p: float | None) -> bool:
    if difference.by is None:
        return False
    if p is not None:
        return p <= ALPHA
    return difference.by != 0.0 if difference.apart is None else difference.apart
