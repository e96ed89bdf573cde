"""The rows that need no model: first-stage order, the best order there is, and chance."""

from __future__ import annotations

import hashlib
import math
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry import naming
from rerankbench.types import Candidates, Document, Qrels, Query
from tests.rerankers.loaded import load

GRADES = st.lists(st.one_of(st.none(), st.integers(-1, 3)), min_size=1, max_size=5)


def _job(
    lists: dict[str, list[str]], qrels: Qrels | None = None, done: frozenset[int] = frozenset()
) -> Job:
    return Job(
        candidates=[
            Candidates(
                query=Query(query_id=query_id, text="text"),
                documents=tuple(Document(doc_id=d, title="", text="") for d in doc_ids),
                scores=tuple(9.5 - i for i, _ in enumerate(doc_ids)),
            )
            for query_id, doc_ids in lists.items()
        ],
        qrels=qrels or {},
        done=done,
    )


def _scores(name: str, job: Job) -> dict[int, float]:
    factory = naming.find_factory(name)
    reranker = load(factory, RerankerSpec(model=name))
    found: dict[int, float] = {}
    for batch in reranker.score(reranker.prepare(job)):
        for pair, score in zip(batch.pairs, batch.scores, strict=True):
            assert pair not in found
            found[pair] = score
    return found


def _ndcg(ranked: list[int], judged: list[int]) -> float:
    """Written out from the definition: linear gain, log2(rank + 1)."""

    def gain(grades: list[int]) -> float:
        return sum(max(0, g) / math.log2(rank + 1) for rank, g in enumerate(grades, start=1))

    ideal = gain(sorted(judged, reverse=True))
    return gain(ranked) / ideal if ideal else 0.0


@given(GRADES, st.lists(st.integers(1, 3), max_size=2))
def test_the_oracle_reaches_the_best_ndcg_of_all_orders(
    grades: list[int | None], elsewhere: list[int]
) -> None:
    doc_ids = [f"d{i}" for i in range(len(grades))]
    judged = {d: g for d, g in zip(doc_ids, grades, strict=True) if g is not None}
    judged |= {f"missed{i}": grade for i, grade in enumerate(elsewhere)}
    scores = _scores("oracle", _job({"q": doc_ids}, {"q": judged}))
    assert len(set(scores.values())) == len(doc_ids)
    ranked = sorted(range(len(doc_ids)), key=lambda i: -scores[i])
    known = [judged.get(d, 0) for d in doc_ids]
    best = max(
        _ndcg([known[i] for i in order], [*judged.values()])
        for order in permutations(range(len(doc_ids)))
    )
    assert _ndcg([known[i] for i in ranked], [*judged.values()]) == pytest.approx(best)


def test_the_oracle_leaves_equal_grades_in_first_stage_order() -> None:
    scores = _scores("oracle", _job({"q": ["z", "a", "m"]}, {"q": {"m": 1}}))
    assert sorted(scores, key=lambda i: -scores[i]) == [2, 0, 1]


def test_the_first_stage_keeps_its_scores() -> None:
    assert _scores("bm25", _job({"q": ["b", "a"], "r": ["c"]})) == {0: 9.5, 1: 8.5, 2: 9.5}


def test_chance_depends_on_seed_query_and_document_alone() -> None:
    together = _scores("random", _job({"q": ["a", "b"], "r": ["a"]}))
    other_place = _scores("random", _job({"r": ["a"], "q": ["b", "a"]}))
    assert [together[0], together[1], together[2]] == [
        other_place[2],
        other_place[1],
        other_place[0],
    ]
    assert len(set(together.values())) == 3


def test_chance_is_the_same_on_every_machine() -> None:
    scores = _scores("random", _job({"q": ["a"]}))
    first_53_bits = int(hashlib.sha256(b"0\x00q\x00a").hexdigest()[:16], 16) >> 11
    assert scores[0] == first_53_bits / 2**53


def test_chance_is_spread_evenly() -> None:
    scores = _scores("random", _job({"q": [f"d{i}" for i in range(4000)]}))
    tenths = [0] * 10
    for score in scores.values():
        tenths[int(score * 10)] += 1
    # Binomial(4000, 0.1) has a standard deviation of 19.
    assert all(abs(count - 400) < 100 for count in tenths)


@pytest.mark.parametrize("name", ["bm25", "oracle", "random"])
def test_finished_queries_are_left_out(name: str) -> None:
    lists = {"q": ["a", "b"], "empty": [], "r": ["c"]}
    everything = _scores(name, _job(lists))
    rest = _scores(name, _job(lists, done=frozenset({0, 1})))
    assert sorted(everything) == [0, 1, 2]
    assert rest == {2: everything[2]}


@pytest.mark.parametrize("name", ["bm25", "oracle", "random"])
def test_baselines_warn_of_nothing_and_hold_no_device_memory(name: str) -> None:
    reranker = load(naming.find_factory(name), RerankerSpec(model=name))
    assert list(reranker.warnings()) == []
    assert reranker.peak_device_bytes() is None
