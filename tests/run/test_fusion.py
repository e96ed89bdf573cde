from __future__ import annotations

import random
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.run.fusion import Fusion, shared_ranks
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


def _rank(scores: dict[str, float], doc_id: str) -> int:
    return 1 + sum(score > scores[doc_id] for score in scores.values())


@given(SCORES, st.integers(0, 99), st.integers(1, 100))
def test_reciprocal_ranks_are_added(scores: dict[str, float], seed: int, k: int) -> None:
    numbers = random.Random(seed)
    first = {doc_id: numbers.uniform(0, 30) for doc_id in scores}
    (fused,) = Fusion(k=k).fuse([_ranking(scores)], [_ranking(first)])
    for hit in fused.hits:
        ranks = [_rank(each, hit.doc_id) for each in (scores, first)]
        assert hit.score == pytest.approx(sum(1 / (k + rank) for rank in ranks), rel=1e-6)
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
        expected = weight * own + (1 - weight) * other
        assert hit.score == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_ends_of_the_weight_are_either_ranking() -> None:
    scores, first = {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 9.0}
    for weight, expected in ((1.0, "abc"), (0.0, "cba")):
        fusion = Fusion(method="linear", weight=weight)
        (fused,) = fusion.fuse([_ranking(scores)], [_ranking(first)])
        assert "".join(hit.doc_id for hit in fused.hits) == expected


@pytest.mark.parametrize("method", ["rrf", "linear"])
@given(first=SCORES, noise=st.sampled_from([0.0, 1e-12]))
def test_a_reranker_that_says_nothing_leaves_the_first_stages_order(
    method: Literal["rrf", "linear"], first: dict[str, float], noise: float
) -> None:
    # Noise that no metric sees is nothing either.
    constant = {doc_id: 5.0 + noise * at for at, doc_id in enumerate(first)}
    (fused,) = Fusion(method=method).fuse([_ranking(constant)], [_ranking(first)])
    assert [hit.doc_id for hit in fused.hits] == _order(first)


@given(SCORES, st.integers(0, 99))
def test_a_first_stage_that_says_nothing_leaves_the_rerankers_order(
    scores: dict[str, float], seed: int
) -> None:
    (fused,) = Fusion().fuse([_ranking(scores)], [_ranking(dict.fromkeys(scores, 1.0))])
    assert [hit.doc_id for hit in fused.hits] == _order(scores)


def test_equal_scores_share_the_first_of_their_ranks() -> None:
    ranking = _ranking({"a": 9.0, "b": 5.0, "c": 5.0 + 1e-12, "d": 1.0})
    assert shared_ranks(ranking) == {"a": 1, "b": 2, "c": 2, "d": 4}


@pytest.mark.parametrize(
    ("method", "name", "shown"),
    [
        ("rrf", "mine", "mine + RRF"),
        ("rrf", "mine, RRF", "mine, RRF"),
        ("linear", "mine", "mine + 0.5 linear"),
        ("linear", "mine (linear 0.5)", "mine (linear 0.5)"),
    ],
)
def test_a_row_says_how_it_was_joined_whatever_it_is_called(
    method: Literal["rrf", "linear"], name: str, shown: str
) -> None:
    assert Fusion(method=method).named(name) == shown


def test_a_query_without_hits_stays_empty() -> None:
    empty = Ranking(query_id="q", hits=())
    for method in ("rrf", "linear"):
        (fused,) = Fusion(method=method).fuse([empty], [empty])
        assert fused.hits == ()


def test_labels_and_recipes_tell_the_settings() -> None:
    assert (Fusion().label, Fusion(k=10).described) == (
        "RRF",
        "rrf k=10, equal scores share a rank",
    )
    linear = Fusion(method="linear", weight=0.25)
    assert (linear.label, linear.described) == ("0.25 linear", "linear min-max weight=0.25")
