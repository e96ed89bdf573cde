"""Runs and judgments beside the records, each once, with names for exported files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rerankbench.interchange.names import distinct_stems, file_part, run_stem
from rerankbench.progress import Progress
from rerankbench.results import grouping
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Hit, Qrels, Ranking, Record, digest


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedRun:
    """The rankings of a record, all with hits: what a run file can contain."""

    stem: str
    record: Record
    rankings: Sequence[Ranking]


def runs(archive: RecordSet, progress: Progress, *, untied: bool) -> Iterator[NamedRun]:
    """Every run once, read on demand; warns of records without a run. Raises InputError.

    With `untied` scores count down by rank, so that every tool keeps the order. Without it they
    are unchanged, with a warning about ties, which other tools order differently.
    """
    records = {
        (run_stem(record), record.run_sha256): record
        for record in grouping.in_order(archive.records)
    }
    stems = distinct_stems(records)
    for key, record in records.items():
        rankings = archive.rankings(record)
        if rankings is None:
            progress.warn(f"{stems[key]}: its run file is missing; left out")
        elif not rankings:
            progress.warn(f"{stems[key]}: the run has no results; left out")
        elif untied:
            ranked = [by_rank(ranking) for ranking in rankings]
            yield NamedRun(stem=stems[key], record=record, rankings=ranked)
        else:
            if record.ties is not None:
                progress.warn(
                    f"{stems[key]}: {record.ties.rate:.1%} of neighbouring scores tie, and other "
                    "tools order ties differently; --untied writes scores that keep our order"
                )
            yield NamedRun(stem=stems[key], record=record, rankings=rankings)


def by_rank(ranking: Ranking) -> Ranking:
    """The same order with scores that count down to 1, so that no tool sees ties."""
    count = len(ranking.hits)
    hits = (
        Hit(doc_id=hit.doc_id, score=float(count - rank)) for rank, hit in enumerate(ranking.hits)
    )
    return Ranking(query_id=ranking.query_id, hits=tuple(hits))


def judgments(archive: RecordSet, progress: Progress) -> Iterator[tuple[str, Qrels]]:
    """`scifact.test` and its judgments, each once; warns if they are missing."""
    qrels_by_key: dict[tuple[str, str], Qrels] = {}
    without: dict[str, None] = {}
    for record in grouping.in_order(archive.records):
        collection = record.cell.collection
        stem = f"{file_part(collection.name)}.{file_part(collection.split)}"
        task = archive.task(record)
        if task is None:
            without[stem] = None
        else:
            qrels = task.qrels()
            qrels_by_key[stem, digest(qrels)] = qrels
    with_qrels = {stem for stem, _ in qrels_by_key}
    for stem in without:
        if stem not in with_qrels:
            progress.warn(f"{stem}: its judgments are missing; run its config again to write them")
    stems = distinct_stems(qrels_by_key)
    for key, qrels in qrels_by_key.items():
        yield stems[key], qrels
