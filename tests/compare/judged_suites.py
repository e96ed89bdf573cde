"""Judged files made to measure, as `rerankbench judge` leaves them beside records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from random import Random

from rerankbench.results.store import Store
from rerankbench.results.verdicts import (
    SCHEMA,
    Answer,
    Contestant,
    Judge,
    JudgedMatch,
    write_judged,
)
from rerankbench.types import Record

_ANSWERS: Sequence[Answer] = ("a", "a", "a", "b", "b", "tie", "malformed")


def random_answers(key: object, queries: Iterable[str]) -> dict[str, tuple[Answer, ...]]:
    """Two answers for most queries, none where both showed the same; always the same for a key."""
    chance = Random(str(key))
    return {
        query_id: (chance.choice(_ANSWERS), chance.choice(_ANSWERS))
        if chance.random() > 0.1
        else ()
        for query_id in queries
    }


def write_pair(
    results: Path,
    a: Record,
    b: Record,
    answers: Mapping[str, tuple[Answer, ...]],
    *,
    model: str = "judge-1",
    top_k: int = 10,
) -> JudgedMatch:
    """One file: what that judge answered about these two records' rankings."""
    judged = JudgedMatch(
        schema=SCHEMA,
        task_key=a.cell.task.digest,
        judge=Judge(
            url="http://h/v1/chat/completions",
            model=model,
            prompt_sha256="0",
            top_k=top_k,
            snippet_chars=300,
            temperature=0.0,
        ),
        a=_contestant(a),
        b=_contestant(b),
        sampled_queries=None,
        answers=answers,
        malformed_replies=0,
        prompt_tokens=0,
        completion_tokens=0,
    )
    store = Store(results=results, suite=a.suite)
    write_judged(store.judged_path(judged.task_key, judged.key), judged)
    return judged


def write_all_pairs(
    results: Path, records: Sequence[Record], *, model: str = "judge-1"
) -> list[JudgedMatch]:
    """Random answers about every pair of these records of one task, in the order of names."""
    ordered = sorted(records, key=lambda record: record.cell.reranker.name)
    return [
        write_pair(
            results,
            a,
            b,
            random_answers((a.quality_key, b.quality_key, model), a.per_query["nDCG@10"]),
            model=model,
        )
        for a, b in combinations(ordered, 2)
    ]


def _contestant(record: Record) -> Contestant:
    return Contestant(
        reranker=record.cell.reranker.name,
        quality_key=record.quality_key,
        run_sha256=record.run_sha256,
    )
