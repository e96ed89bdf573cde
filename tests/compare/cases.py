"""Tasks and rankings made to measure, small or drawn by hypothesis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import strategies as st

from rerankbench.results.tasks import SCHEMA, Task, Topic
from rerankbench.types import Hit, Ranking, Record
from tests.leaderboard.records import make_record


def topic(
    query_id: str,
    grades: Mapping[str, int],
    candidates: Sequence[str],
    *,
    words: int = 3,
    document_words: Sequence[int] | None = None,
) -> Topic:
    return Topic(
        query_id=query_id,
        text=None,
        words=words,
        grades=grades,
        candidates=tuple(candidates),
        document_words=tuple(document_words or (100,) * len(candidates)),
    )


def task(*topics: Topic) -> Task:
    return Task(schema=SCHEMA, key="t", topics=topics)


def ranking(query_id: str, scores: Mapping[str, float]) -> Ranking:
    hits = (Hit(doc_id=doc_id, score=score) for doc_id, score in scores.items())
    return Ranking.sort(query_id, hits)


def record_of(depth: int, **changes: object) -> Record:
    """A record of that depth; `changes` go into its reranker."""
    record = make_record("model", depth=depth)
    reranker = replace(record.cell.reranker, **changes)  # type: ignore[arg-type]
    return replace(record, cell=replace(record.cell, reranker=reranker))


@st.composite
def scored_tasks(
    draw: st.DrawFn, *, most: int = 40, missing: bool = True
) -> tuple[Task, tuple[Ranking, ...]]:
    """A task and scores for all its candidates: coarse, so that many tie."""
    topics, rankings = [], []
    for number in range(draw(st.integers(1, 4))):
        names = [f"d{at}" for at in range(draw(st.integers(0 if missing else 1, most)))]
        candidates = draw(st.permutations(names))
        judged = st.sampled_from([*names, "missed-1", "missed-2", "missed-3"])
        grades = draw(st.dictionaries(judged, st.integers(-1, 3), min_size=1, max_size=12))
        score = st.sampled_from([0.0, 0.25, 1.0, 1.0 + 1e-9, 3.0, -2.5])
        scores = {doc_id: draw(score) for doc_id in candidates}
        topics.append(topic(f"q{number}", grades, candidates))
        if scores:
            rankings.append(ranking(f"q{number}", scores))
    return task(*topics), tuple(rankings)
