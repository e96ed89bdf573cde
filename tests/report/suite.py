"""A suite made to measure for pages: several models over several collections, runs and all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.tasks import Topic
from rerankbench.types import Price, Record
from tests.compare.suites import write_cell, write_topics
from tests.leaderboard.records import make_record

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "owner/" + "very-long-name-" * 20 + "end",
    "מדרג/\u202eשלום עולם",
    "cost $x_1$ & <b>bold</b>",
)
DEPTH = 20


def models_of(count: int) -> list[str]:
    return [f"owner/model-{number}" for number in range(count)]


def write_suite(
    folder: Path,
    models: Sequence[str],
    collections: Sequence[str],
    *,
    queries: int = 12,
    with_tasks: bool = True,
    requests: int = 30,
) -> RecordSet:
    """Records with speed, size, price and runs; the figures are random but always the same."""
    chance = random.Random(0)
    for collection in collections:
        topics = [_topic(chance, number) for number in range(queries)]
        base = _record(chance, "bm25", collection, topics, 0.4)
        write_cell(folder, base)
        if with_tasks:
            write_topics(folder, base, topics)
        for number, model in enumerate(models):
            record = _record(
                chance, model, collection, topics, 0.45 + 0.02 * number, requests=requests
            )
            run = {
                topic.query_id: chance.sample(topic.candidates, len(topic.candidates))
                for topic in topics
            }
            write_cell(folder, record, run)
    return open_archive([folder])


def _topic(chance: random.Random, number: int) -> Topic:
    candidates = tuple(f"d{number}-{at}" for at in range(DEPTH))
    return Topic(
        query_id=f"q{number}",
        text="a text",
        words=chance.randint(2, 12),
        grades=dict.fromkeys(chance.sample(candidates, 3), 1),
        candidates=candidates,
        document_words=(50,) * DEPTH,
    )


def _record(
    chance: random.Random,
    model: str,
    collection: str,
    topics: Sequence[Topic],
    mean: float,
    *,
    requests: int = 0,
) -> Record:
    values = {topic.query_id: min(1.0, max(0.0, chance.gauss(mean, 0.2))) for topic in topics}
    is_model = model != "bm25"
    record = make_record(
        model,
        collection=collection,
        depth=DEPTH,
        docs_per_s=10 ** chance.uniform(1, 3.5) if is_model else None,
        requests_s=[chance.lognormvariate(-3, 0.4) for _ in range(requests)],
        parameters=int(10 ** chance.uniform(6, 9)) if is_model else None,
        family="sequence-classification" if is_model else "baseline",
        dtype="float32" if is_model else None,
        warnings=[f"{model}: is <slow>"] if is_model else [],
        price=Price(amount=chance.uniform(0.5, 3), unit="hour", per=1.0, date="2026-01-01")
        if is_model
        else None,
    )
    # Names are no file names: the key is what the test files are called.
    key = sha256(f"{collection} {model}".encode()).hexdigest()[:16]
    return replace(record, quality_key=key, per_query={"nDCG@10": values, "MAP": values})
