"""Suites on disk whose records, runs and tasks belong together, values by pytrec_eval."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rerankbench.progress import Silent
from rerankbench.registry import naming
from rerankbench.results.store import Store, run_sha256
from rerankbench.results.tasks import SCHEMA, Task, Topic, write_task
from rerankbench.run import quality
from rerankbench.types import Hit, Qrels, Ranking, Record

from ..leaderboard.records import make_record

METRICS = ("nDCG@10", "nDCG@5", "MAP", "MAP@5", "MRR@10", "Recall@10", "Recall@100", "P@10")

# Graded, with a negative grade, a query without relevant documents, and one that none answers.
QRELS: Qrels = {
    "q0": {"d1": 2, "d5": 1, "d9": 0, "d13": -1},
    "q1": {"d2": 1, "d40": 3},
    "q2": {"d3": 0},
    "q3": {"d4": 1, "d8": 1, "d12": 2, "d16": 1},
    "silent": {"d4": 1},
}


def untied(seed: int = 0, *, queries: Sequence[str] = ("q0", "q1", "q2", "q3")) -> list[Ranking]:
    """Rankings of 20 of 42 documents with distinct scores of many digits."""
    numbers = random.Random(seed)
    return [
        Ranking.sort(
            query,
            (
                Hit(doc_id=f"d{doc}", score=rank + numbers.random())
                for rank, doc in enumerate(numbers.sample(range(42), 20))
            ),
        )
        for query in queries
    ]


def evaluated(
    rankings: Sequence[Ranking], qrels: Qrels = QRELS, metrics: Sequence[str] = METRICS
) -> dict[str, Mapping[str, float]]:
    """Every metric's values per query."""
    return quality.evaluate(qrels, rankings, [naming.parse_metric(name) for name in metrics])


def record_of(rankings: Sequence[Ranking], record: Record | None = None) -> Record:
    """The record of such rankings."""
    record = record or make_record("org/model")
    return replace(record, per_query=evaluated(rankings), run_sha256=run_sha256(rankings))


def write_record(results: Path, record: Record, rankings: Sequence[Ranking]) -> Record:
    """Put a record, its run and its task into its suite."""
    # The keys of made records name their parts; as files they need plain letters.
    plain = replace(record, quality_key=record.quality_key.replace("/", "-"))
    store = Store(results=results, suite=record.suite)
    store.write(plain, rankings)
    write_task(store.task_path(record.cell.task.digest), task_of(record))
    return plain


def task_of(record: Record, qrels: Qrels = QRELS) -> Task:
    """A task with these judgments and no candidates that matter."""
    topics = [
        Topic(
            query_id=query,
            text=None,
            words=1,
            grades=grades,
            candidates=("d1",),
            document_words=(1,),
        )
        for query, grades in qrels.items()
    ]
    return Task(schema=SCHEMA, key=record.cell.task.digest, topics=tuple(topics))


class Said(Silent):
    """A `Progress` that remembers what it was told."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)
