"""Pairs of records to compare: two rerankers of one set, or the same reranker in two sets.

Both have the same task: equal texts, judgments, first stage, depth and sample. Records of
different tasks are never paired; the notes say what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rerankbench.errors import UsageError
from rerankbench.results import derived, grouping, row_names
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record, TaskKey

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSide:
    """One record of a pair, its label, and the files beside it."""

    label: str
    record: Record
    archive: RecordSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two records of one task; `chosen_among` counts the possible combinations."""

    a: PairSide
    b: PairSide
    chosen_among: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """All pairs in the order of their collections, and notes on what has no partner."""

    pairs: tuple[Pair, ...]
    notes: tuple[str, ...] = ()


def pair_rerankers(archive: RecordSet, a: str, b: str) -> Pairing:
    """Two rerankers on every task that both answered.

    Raises UsageError for a name that no record has, or where they share no task.
    """
    if a == b:
        raise UsageError(f"'{a}' is named twice; name two rerankers")
    row_names.check((a, b), archive.records, remedy=" (or name two folders with records)")
    return _pairing((archive, archive), (a, b), {a: b})


def pair_places(archives: tuple[RecordSet, RecordSet], labels: tuple[str, str]) -> Pairing:
    """The same reranker on the same task in two sets of records.

    If each set is a single record, the two are a pair whatever their rerankers' names. Raises
    UsageError where there is no pair.
    """
    names_a, names_b = (
        [record.cell.reranker.name for record in archive.records] for archive in archives
    )
    single = len(names_a) == len(names_b) == 1
    partners = {names_a[0]: names_b[0]} if single else {name: name for name in names_a}
    return _pairing(archives, labels, partners)


def _pairing(
    archives: tuple[RecordSet, RecordSet], labels: tuple[str, str], partners: Mapping[str, str]
) -> Pairing:
    """`partners` maps each reranker of one side to its counterpart on the other."""
    cells_a, cells_b = map(_cells, archives)
    found_a = {key: records for key, records in cells_a.items() if key[1] in partners}
    met = {(task, name): (task, partners[name]) for task, name in found_a}
    pairs = [
        _pair(records, cells_b[met[key]], archives, labels)
        for key, records in found_a.items()
        if met[key] in cells_b
    ]
    alone_a = [records[-1] for key, records in found_a.items() if met[key] not in cells_b]
    wanted = set(partners.values()) if archives[0] is archives[1] else {key[1] for key in cells_b}
    alone_b = [
        records[-1]
        for key, records in cells_b.items()
        if key[1] in wanted and key not in met.values()
    ]
    notes = [*_near_misses(alone_a, alone_b, partners)]
    notes += [*_alone(alone_a, labels[0]), *_alone(alone_b, labels[1])]
    if not pairs:
        raise UsageError(f"nothing to compare: {'; '.join(notes)}")
    return Pairing(pairs=tuple(sorted(pairs, key=_place)), notes=tuple(notes))


def _place(pair: Pair) -> tuple[str, str, str, int, str]:
    cell = pair.a.record.cell
    return (
        cell.collection.name,
        cell.collection.split,
        cell.first_stage.name,
        cell.depth,
        cell.reranker.name,
    )


def _cells(archive: RecordSet) -> dict[tuple[TaskKey, str], list[Record]]:
    """(Task, reranker) → its records, the newest last."""
    cells: dict[tuple[TaskKey, str], list[Record]] = {}
    for record in sorted(archive.records, key=grouping.age):
        cells.setdefault((record.task, record.cell.reranker.name), []).append(record)
    return cells


def _pair(
    found_a: Sequence[Record],
    found_b: Sequence[Record],
    archives: tuple[RecordSet, RecordSet],
    labels: tuple[str, str],
) -> Pair:
    """The newest two with comparable speeds, or else the newest two."""
    a, b = grouping.newest_pair(found_a, found_b)
    return Pair(
        a=PairSide(label=labels[0], record=a, archive=archives[0]),
        b=PairSide(label=labels[1], record=b, archive=archives[1]),
        chosen_among=len(found_a) * len(found_b),
    )


def _near_misses(
    alone_a: Iterable[Record], alone_b: Sequence[Record], partners: Mapping[str, str]
) -> Iterator[str]:
    """Why two cells of one collection that look like a pair are none."""
    for a in alone_a:
        name = partners[a.cell.reranker.name]
        for b in alone_b:
            same_collection = derived.collection_slug(a) == derived.collection_slug(b)
            if same_collection and b.cell.reranker.name == name:
                differing = ", ".join(grouping.different_facts((a.task, b.task)))
                yield (
                    f"{a.cell.reranker.name} and {name} have different tasks on "
                    f"{a.cell.collection.name} (different: {differing})"
                )
                break


def _alone(alone: Sequence[Record], label: str) -> list[str]:
    names = list(
        dict.fromkeys(
            f"{record.cell.reranker.name} on {record.cell.collection.name}" for record in alone
        )
    )
    shown = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    return [f"only in {label}: {shown}"] if names else []
