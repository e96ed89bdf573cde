from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.fusion import Fusion
from rerankbench.types import Hit, Ranking

SCORES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=3),
    st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 2)),
    min_size=1,
    max_size=12,
)


def _ranking(scores: dict[str, float]) -> Ranking:
    return Ranking.sort("q", [Hit(doc_id=d, score=s) for d, s in scores.items()])


def _order(scores: dict[str, float]) -> list[str]:
    """By a plain loop: the highest score first, the larger id among equals."""
    left, found = dict(scores), []
    while left:
        best = max(left, key=lambda doc_id: (left[doc_id], doc_id))
        found.append(best)
        del left[best]
    return found


@given(SCORES, st.integers(0, 99), st.integers(1, 100))
def test_reciprocal_ranks_are_added(scores: dict[str, float], seed: int, k: int) -> None:
    numbers = random.Random(seed)
    first = {doc_id: numbers.uniform(0, 30) for doc_id in scores}
    (fused,) = Fusion(k=k).fuse([_ranking(scores)], [_ranking(first)])
    for hit in fused.hits:
        ranks = [_order(each).index(hit.doc_id) + 1 for each in (scores, first)]
        assert hit.score == pytest.approx(sum(1 / (k + rank) for rank in ranks))
    assert sorted(hit.doc_id for hit in fused.hits) == sorted(scores)


@given(SCORES, st.integers(0, 99), st.floats(0, 1))
def test_linear_weighs_scores_scaled_within_the_query(
    scores: dict[str, float], seed: int, weight: float
) -> None:
    numbers = random.Random(seed)
    first = {doc_id: numbers.uniform(0, 30) for doc_id in scores}
    fusion = Fusion(method="linear", weight=weight)
    (fused,) = fusion.fuse([_ranking(scores)], [_ranking(first)])

    def scaled(values: dict[str, float], doc_id: str) -> float:
        low, high = min(values.values()), max(values.values())
        return 0.0 if low == high else (values[doc_id] - low) / (high - low)

    for hit in fused.hits:
        own, other = scaled(scores, hit.doc_id), scaled(first, hit.doc_id)
        assert hit.score == pytest.approx(weight * own + (1 - weight) * other)


def test_the_ends_of_the_weight_are_either_ranking() -> None:
    scores, first = {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 9.0}
    for weight, expected in ((1.0, "abc"), (0.0, "cba")):
        fusion = Fusion(method="linear", weight=weight)
        (fused,) = fusion.fuse([_ranking(scores)], [_ranking(first)])
        assert "".join(hit.doc_id for hit in fused.hits) == expected


def test_a_query_without_hits_stays_empty() -> None:
    empty = Ranking(query_id="q", hits=())
    for method in ("rrf", "linear"):
        (fused,) = Fusion(method=method).fuse([empty], [empty])
        assert fused.hits == ()


def test_labels_and_recipes_tell_the_settings() -> None:
    assert (Fusion().label, Fusion(k=10).described) == ("RRF", "rrf k=10")
    linear = Fusion(method="linear", weight=0.25)
    assert (linear.label, linear.described) == ("0.25 linear", "linear min-max weight=0.25")
