"""What lies beside the records, under names for exported files: runs and judgments, each once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rerankbench.interchange.names import file_part, run_stem, told_apart
from rerankbench.progress import Progress
from rerankbench.results import grouping
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Hit, Qrels, Ranking, Record, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRun:
    """The rankings of a record, with hits each: what a run file can hold."""

    stem: str
    record: Record
    rankings: Sequence[Ranking]


def runs(archive: RecordSet, progress: Progress, *, untied: bool) -> Iterator[NamedRun]:
    """Every run once, read as it goes; a record without one is told of. Raises InputError.

    With `untied` scores count down by rank, so that every tool keeps the order. Without it they
    are what they were, and a run with ties is told of: other tools order those otherwise.
    """
    records = {
        (run_stem(record), record.run_sha256): record
        for record in grouping.in_order(archive.records)
    }
    stems = told_apart(records)
    for key, record in records.items():
        rankings = archive.rankings(record)
        if rankings is None:
            progress.warn(f"{stems[key]}: no run file lies beside the record; left out")
        elif not rankings:
            progress.warn(f"{stems[key]}: the run answers no query; left out")
        elif untied:
            ranked = [by_rank(ranking) for ranking in rankings]
            yield NamedRun(stem=stems[key], record=record, rankings=ranked)
        else:
            if record.ties is not None:
                progress.warn(
                    f"{stems[key]}: {record.ties.rate:.1%} of neighbouring scores tie, and other "
                    "tools order ties otherwise; --untied writes scores that keep our order"
                )
            yield NamedRun(stem=stems[key], record=record, rankings=rankings)


def by_rank(ranking: Ranking) -> Ranking:
    """The same order in scores that count down to 1: no tool sees a tie in it."""
    count = len(ranking.hits)
    hits = (
        Hit(doc_id=hit.doc_id, score=float(count - rank)) for rank, hit in enumerate(ranking.hits)
    )
    return Ranking(query_id=ranking.query_id, hits=tuple(hits))


def judgments(archive: RecordSet, progress: Progress) -> Iterator[tuple[str, Qrels]]:
    """`scifact.test` and its judgments, each once; what lacks them is told of."""
    found: dict[tuple[str, str], Qrels] = {}
    without: dict[str, None] = {}
    for record in grouping.in_order(archive.records):
        collection = record.cell.collection
        stem = f"{file_part(collection.name)}.{file_part(collection.split)}"
        task = archive.task(record)
        if task is None:
            without[stem] = None
        else:
            qrels = task.qrels()
            found[stem, digest(qrels)] = qrels
    held = {stem for stem, _ in found}
    for stem in without:
        if stem not in held:
            progress.warn(
                f"{stem}: no judgments lie beside its records; run its config again to keep them"
            )
    stems = told_apart(found)
    for key, qrels in found.items():
        yield stems[key], qrels
