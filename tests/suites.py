"""Suites on disk made to measure: records with the runs and the task that they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rerankbench.registry import naming
from rerankbench.results.store import Store, run_sha256
from rerankbench.results.tasks import SCHEMA, Task, Topic, write_task
from rerankbench.run.quality import evaluate, tie_audit, without_results
from rerankbench.types import Hit, Latency, Ranking, Record, digest
from tests.leaderboard.records import make_record

Scores = Mapping[str, Mapping[str, float]]
"""query_id → {doc_id: score}."""


def make_topic(
    query_id: str, grades: Mapping[str, int], candidates: Sequence[str], *, words: int = 3
) -> Topic:
    return Topic(
        query_id=query_id,
        text=f"query {query_id}",
        words=words,
        grades=grades,
        candidates=tuple(candidates),
        document_words=(50,) * len(candidates),
    )


def first_stage_scores(topics: Sequence[Topic]) -> Scores:
    """The first stage's own order."""
    return {
        topic.query_id: {doc_id: -float(at) for at, doc_id in enumerate(topic.candidates)}
        for topic in topics
    }


def oracle_scores(topics: Sequence[Topic]) -> Scores:
    """The best order of the candidates."""
    return {
        topic.query_id: {
            doc_id: topic.grades.get(doc_id, 0) - at / 1000
            for at, doc_id in enumerate(topic.candidates)
        }
        for topic in topics
    }


def write_suite(
    results: Path,
    topics: Sequence[Topic],
    models: Mapping[str, Scores],
    *,
    collection: str = "small",
    depth: int = 100,
    metrics: Sequence[str] = ("nDCG@10", "MRR@10"),
    request_s: float | None = None,
    with_task: bool = True,
) -> list[Record]:
    """One record a model; `bm25`, `oracle` and `random` are baselines. Adds to what is there."""
    store = Store(results=results, suite="default")
    qrels = {topic.query_id: topic.grades for topic in topics}
    records = []
    for name, scores in models.items():
        rankings = [
            Ranking.sort(
                query_id, (Hit(doc_id=doc_id, score=score) for doc_id, score in found.items())
            )
            for query_id, found in scores.items()
            if found
        ]
        plain = _plain(name, collection, depth, request_s)
        plugins = [naming.parse_metric(metric) for metric in metrics]
        record = replace(
            plain,
            quality_key=digest([name, plain.cell.task.digest]),
            per_query=evaluate(qrels, rankings, plugins),
            queries_without_results=without_results(qrels, rankings),
            ties=tie_audit(qrels, rankings, plugins[0]),
            run_sha256=run_sha256(rankings),
        )
        store.write(record, rankings)
        records.append(record)
    if with_task:
        key = records[0].cell.task.digest
        write_task(store.task_path(key), Task(schema=SCHEMA, key=key, topics=tuple(topics)))
    return records


def _plain(name: str, collection: str, depth: int, request_s: float | None) -> Record:
    baseline = name in ("bm25", "oracle", "random")
    record = make_record(
        name,
        collection=collection,
        depth=depth,
        family="baseline" if baseline else "sequence-classification",
        recipe={"order": "first-stage" if name == "bm25" else name} if baseline else None,
    )
    if request_s is None or baseline:
        return record
    latency = Latency(requests_s=(request_s,) * 3, pairs_per_request=(depth,) * 3)
    return replace(record, measurements=replace(record.measurements, latency=latency))
