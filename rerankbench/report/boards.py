"""Groups records into boards: those that reranked the same depth of the same first stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rerankbench.results import derived, first_stages, grouping
from rerankbench.results.candidate_words import shortfall
from rerankbench.types import Record, TaskKey

_OF_THE_COLLECTION = frozenset({"collection", "split", "content", "identical ids"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A table of models by collections; the newest record of a cell counts.

    `number` counts boards from 1, of which there are `total`. `metric` is the headline, None where
    the records have none. `tasks` are the columns, each with its title; `models` the rows,
    baselines among them.
    """

    number: int
    total: int
    title: str
    metric: str | None
    records: tuple[Record, ...]
    tasks: Mapping[TaskKey, str]
    models: tuple[str, ...]
    squares: Mapping[tuple[str, TaskKey], Record]

    def of(self, model: str) -> dict[TaskKey, Record]:
        """The records of one model, by task."""
        return {task: record for (name, task), record in self.squares.items() if name == model}

    def only(self, keep: Callable[[Record], bool]) -> Board:
        """The same board with fewer records; the newest of those count."""
        records = [record for record in self.records if keep(record)]
        squares = _squares(records)
        models = tuple(sorted({name for name, _ in squares}))
        return replace(self, records=tuple(records), models=models, squares=squares)

    def is_baseline(self, model: str) -> bool:
        """Whether the row is not a model."""
        return all(map(derived.is_baseline, self.of(model).values()))

    @property
    def first_stages(self) -> dict[TaskKey, Record]:
        """The records of the first stage's own order, by task."""
        return {
            task: record
            for (_, task), record in self.squares.items()
            if derived.is_first_stage(record)
        }


def boards(records: Sequence[Record], metric: str | None = None) -> list[Board]:
    """All boards of the records; the one with the most records comes first."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in grouping.in_order(records):
        facts = record.task.facts
        key = tuple(value for fact, value in facts.items() if fact not in _OF_THE_COLLECTION)
        groups.setdefault(key, []).append(record)
    ordered = sorted(groups.values(), key=lambda found: -len(found))
    stages = first_stages.titles(records)
    titles = [_title(found, stages[found[0].task]) for found in ordered]
    return [
        _board(number, len(ordered), title, found, metric)
        for number, (title, found) in enumerate(zip(titles, ordered, strict=True), start=1)
    ]


def _board(
    number: int, total: int, title: str, records: Sequence[Record], metric: str | None
) -> Board:
    squares = _squares(records)
    chosen = metric or derived.headline(records)
    models = sorted({name for name, _ in squares})
    return Board(
        number=number,
        total=total,
        title=title,
        metric=chosen,
        records=tuple(records),
        tasks=_columns(records),
        models=tuple(models),
        squares=squares,
    )


def _squares(records: Sequence[Record]) -> dict[tuple[str, TaskKey], Record]:
    return grouping.newest(records, lambda record: (record.cell.reranker.name, record.task))


def _columns(records: Sequence[Record]) -> dict[TaskKey, str]:
    """Every task with its collection's name; equal names get a distinguishing suffix."""
    firsts = {record.task: record for record in reversed(records)}
    by_name: dict[str, list[Record]] = {}
    for record in firsts.values():
        by_name.setdefault(derived.collection_slug(record), []).append(record)
    titles = {}
    for key, record in sorted(firsts.items()):
        alike = by_name[derived.collection_slug(record)]
        split, sources = (
            record.cell.collection.split,
            {same_name.cell.collection.split for same_name in alike},
        )
        name = record.cell.collection.name
        if len(sources) > 1:
            name = f"{name} ({split})"
        elif len(alike) > 1:
            name = f"{name} (version {alike.index(record) + 1})"
        titles[key] = name
    return titles


def _title(records: Sequence[Record], first_stage: str) -> str:
    """What was reranked, and whatever else tells this group from the others."""
    cell, sample = records[0].cell, records[0].cell.collection.sampled_queries
    parts = [f"The first {cell.depth} documents{shortfall(records)} of {first_stage}"]
    if cell.adds_positives:
        parts.append("missed positives added")
    if sample is not None:
        parts.append(f"{sample} sampled queries")
    return ", ".join(parts)
