"""Keys: what they depend on, and what they do not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.results.identity import candidates_key, quality_key, record_key, speed_key
from rerankbench.types import (
    Cell,
    CollectionHashes,
    CollectionRef,
    EngineRef,
    FirstStageRef,
    Price,
    RerankerRef,
    digest,
)

HASHES = CollectionHashes(corpus="c0", queries="q0", qrels="r0")
COLLECTION = CollectionRef(name="scifact", source="data/scifact", split="test", hashes=HASHES)
STAGE = FirstStageRef(name="bm25", parameters={"k1": 0.9, "b": 0.4, "fields": ("title", "text")})
RERANKER = RerankerRef(
    name="m",
    family="sequence-classification",
    revision="abc",
    parameters=10,
    dtype="float32",
    max_length=512,
    recipe={"prompt": "p", "labels": 1},
)
PRICE = Price(amount=2.0, unit="search", per=1000.0, date="2026-11-01")
ENGINE = EngineRef(engine="padded", device="cpu", batch_tokens=8192, threads=2)
CELL = Cell(collection=COLLECTION, first_stage=STAGE, depth=100, reranker=RERANKER, engine=ENGINE)

DECIDES_THE_RANKING: dict[str, dict[str, Any]] = {
    "corpus": {"collection": replace(COLLECTION, hashes=replace(HASHES, corpus="c1"))},
    "queries": {"collection": replace(COLLECTION, hashes=replace(HASHES, queries="q1"))},
    "qrels": {"collection": replace(COLLECTION, hashes=replace(HASHES, qrels="r1"))},
    "identical ids": {"collection": replace(COLLECTION, drops_identical_ids=True)},
    "sample": {"collection": replace(COLLECTION, sampled_queries=9)},
    "seed": {"collection": replace(COLLECTION, sampled_queries=9, sample_seed=1)},
    "first stage": {"first_stage": replace(STAGE, name="rank-bm25")},
    "k1": {"first_stage": replace(STAGE, parameters={**STAGE.parameters, "k1": 1.2})},
    "fields": {"first_stage": replace(STAGE, parameters={**STAGE.parameters, "fields": ("x",)})},
    "depth": {"depth": 99},
    "missed positives": {"adds_positives": True},
    "family": {"reranker": replace(RERANKER, family="other")},
    "revision": {"reranker": replace(RERANKER, revision="abd")},
    "dtype": {"reranker": replace(RERANKER, dtype="bfloat16")},
    "max length": {"reranker": replace(RERANKER, max_length=256)},
    "prompt": {"reranker": replace(RERANKER, recipe={"prompt": "q", "labels": 1})},
}
DOES_NOT: dict[str, dict[str, Any]] = {
    "name": {"collection": replace(COLLECTION, name="n", source="elsewhere", split="dev")},
    "model name": {"reranker": replace(RERANKER, name="renamed", parameters=11)},
    "engine": {"engine": replace(ENGINE, engine="packed", device="cuda", batch_tokens=1)},
    "price": {"reranker": replace(RERANKER, price=PRICE)},
    "order of keys": {
        "first_stage": replace(STAGE, parameters=dict(reversed(list(STAGE.parameters.items()))))
    },
}

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


def test_digest_is_the_hash_of_compact_json_with_sorted_keys() -> None:
    text = '{"a":[1,null],"é":"x"}'
    assert digest({"é": "x", "a": (1, None)}) == hashlib.sha256(text.encode()).hexdigest()[:16]


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=4))
def test_digest_ignores_the_order_of_keys(value: dict[str, Any]) -> None:
    assert digest(value) == digest(dict(reversed(value.items())))


@given(JSON, JSON)
def test_digest_of_unequal_values_differs(one: Any, other: Any) -> None:
    same_json = repr(one) == repr(other) or (one == other and type(one) is type(other) is dict)
    if not same_json and one != other:
        assert digest(one) != digest(other)


@pytest.mark.parametrize("change", DECIDES_THE_RANKING.values(), ids=DECIDES_THE_RANKING.keys())
def test_quality_key_changes_with_what_decides_the_ranking(change: dict[str, Any]) -> None:
    assert quality_key(replace(CELL, **change)) != quality_key(CELL)


@pytest.mark.parametrize("change", DOES_NOT.values(), ids=DOES_NOT.keys())
def test_quality_key_ignores_names_and_speed(change: dict[str, Any]) -> None:
    assert quality_key(replace(CELL, **change)) == quality_key(CELL)


def test_no_two_of_these_cells_share_a_quality_key() -> None:
    keys = {quality_key(replace(CELL, **change)) for change in DECIDES_THE_RANKING.values()}
    assert len(keys) == len(DECIDES_THE_RANKING)


@pytest.mark.parametrize(
    "engine",
    [
        replace(ENGINE, engine="packed"),
        replace(ENGINE, device="cuda"),
        replace(ENGINE, batch_tokens=1),
        replace(ENGINE, threads=3),
    ],
)
def test_speed_key_changes_with_the_engine(engine: EngineRef) -> None:
    before = speed_key(CELL, "machine")
    assert speed_key(replace(CELL, engine=engine), "machine") != before


def test_speed_key_changes_with_the_machine_but_not_with_the_ranking() -> None:
    before = speed_key(CELL, "machine")
    assert speed_key(CELL, "other") != before
    assert speed_key(replace(CELL, depth=3), "machine") == before
    priced = replace(CELL, reranker=replace(RERANKER, price=PRICE))
    assert speed_key(priced, "machine") == before


def test_record_key_tells_quality_from_speed() -> None:
    keys = {record_key(*pair) for pair in (("a", "b"), ("b", "a"), ("a", "a"), ("ab", ""))}
    assert len(keys) == 4


def test_candidates_key_depends_on_all_of_its_parts() -> None:
    keys = {
        candidates_key({"corpus": "1"}, {"name": "bm25"}, 10),
        candidates_key({"corpus": "2"}, {"name": "bm25"}, 10),
        candidates_key({"corpus": "1"}, {"name": "bm25", "k1": 1}, 10),
        candidates_key({"corpus": "1"}, {"name": "bm25"}, 11),
    }
    assert len(keys) == 4


def test_keys_stay_what_they_were_because_records_are_filed_under_them() -> None:
    # Whoever must change these raises KEY_VERSION: all records made before no longer count.
    assert (quality_key(CELL), speed_key(CELL, "machine")) == (
        "b298a06a3f174979",
        "42c5bf3eb1412233",
    )


OF_THE_RERANKER = {"family", "revision", "dtype", "max length", "prompt"}


@pytest.mark.parametrize("what", DECIDES_THE_RANKING)
def test_cells_of_one_task_differ_in_their_reranker_alone(what: str) -> None:
    same = replace(CELL, **DECIDES_THE_RANKING[what]).task.digest == CELL.task.digest
    assert same == (what in OF_THE_RERANKER)


def test_cells_without_added_positives_keep_the_keys_of_older_records() -> None:
    # What the key was made of before cells knew of added positives.
    older = {
        "version": 1,
        "collection": {"corpus": "c0", "queries": "q0", "qrels": "r0"},
        "drops_identical_ids": False,
        "sample": [None, None],
        "first_stage": ["bm25", {"k1": 0.9, "b": 0.4, "fields": ["title", "text"]}],
        "depth": 100,
        "reranker": ["sequence-classification", "abc", "float32", 512],
        "recipe": {"prompt": "p", "labels": 1},
    }
    assert quality_key(CELL) == digest(older)
