"""A suite on disk made to measure: records with the runs and the task that belong to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rerankbench.results.store import Store, run_sha256
from rerankbench.results.tasks import SCHEMA, Task, Topic, write_task
from rerankbench.types import Hit, Ranking, Record


def rankings_of(run: Mapping[str, Sequence[str]]) -> list[Ranking]:
    """query_id → documents, the best first."""
    return [
        Ranking.sort(
            query_id,
            [Hit(doc_id=doc_id, score=-float(at)) for at, doc_id in enumerate(doc_ids)],
        )
        for query_id, doc_ids in run.items()
    ]


def write_cell(
    results: Path, record: Record, run: Mapping[str, Sequence[str]] | None = None
) -> Record:
    """Write a record and, where there is one, its run."""
    rankings = rankings_of(run or {})
    key = record.quality_key.replace("/", "-")
    record = replace(record, quality_key=key, run_sha256=run_sha256(rankings) if run else "none")
    store = Store(results=results, suite=record.suite)
    if run:
        store.write(record, rankings)
    else:
        store.write_record(record)
    return record


def topic(
    query_id: str,
    text: str | None = "a text",
    grades: Mapping[str, int] | None = None,
    candidates: Sequence[str] = (),
) -> Topic:
    return Topic(
        query_id=query_id,
        text=text,
        words=2,
        grades=grades or {},
        candidates=tuple(candidates),
        document_words=(1,) * len(candidates),
    )


def write_topics(results: Path, record: Record, topics: Sequence[Topic]) -> Path:
    """Write the task of the record; returns the file."""
    key = record.cell.task.digest
    path = Store(results=results, suite=record.suite).task_path(key)
    write_task(path, Task(schema=SCHEMA, key=key, topics=tuple(topics)))
    return path
