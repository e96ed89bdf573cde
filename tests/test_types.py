"""The values: what they derive, and that they cannot be changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.types import (
    Cell,
    CollectionHashes,
    CollectionRef,
    Document,
    EngineRef,
    Environment,
    FirstStageRef,
    Hit,
    Query,
    Ranking,
    Record,
    RerankerRef,
    Throughput,
)

THROUGHPUT = Throughput(
    queries=2,
    pairs=60,
    tokens=0,
    padded_tokens=0,
    truncated_pairs=0,
    warmup_passes_s=(100.0,),
    passes_s=(3.0, 1.0, 2.0),
)


def _record(per_query: dict[str, dict[str, float]]) -> Record:
    cell = Cell(
        collection=CollectionRef(
            name="c",
            source="c",
            split="test",
            hashes=CollectionHashes(corpus="1", queries="2", qrels="3"),
        ),
        first_stage=FirstStageRef(name="bm25", parameters={}),
        depth=10,
        reranker=RerankerRef(name="r", family="f", revision="1"),
        engine=EngineRef(engine="none", device="none"),
    )
    return Record(
        schema=1,
        suite="s",
        quality_key="q",
        speed_key="s",
        cell=cell,
        environment=Environment(
            machine_id="m",
            cpu="c",
            cores=1,
            memory_bytes=1,
            gpu=None,
            gpu_memory_bytes=None,
            system="s",
            python="3",
            packages={},
            git_sha=None,
        ),
        started_at="2026-01-01T00:00:00+00:00",
        per_query=per_query,
        queries_without_results=0,
        scored_pairs=0,
        truncated_pairs=0,
        run_sha256="",
    )


@pytest.mark.parametrize(
    ("title", "text", "content"),
    [
        ("A title", "a text", "A title a text"),
        ("", "a text", "a text"),
        ("A title", "", "A title"),
        ("", "", ""),
        ("  A", "b\n", "A b"),
    ],
)
def test_content_is_title_and_text_as_beir_joins_them(title: str, text: str, content: str) -> None:
    assert Document(doc_id="d", title=title, text=text).content == content


@given(
    st.dictionaries(
        st.text(alphabet="ab9é😀", max_size=3), st.sampled_from([-1.0, 0.0, 0.5, 2.0]), max_size=8
    )
)
def test_sorting_keeps_all_hits_by_falling_score_and_falling_id(scores: dict[str, float]) -> None:
    ranking = Ranking.sort("q", [Hit(doc_id=doc, score=score) for doc, score in scores.items()])
    assert ranking.query_id == "q"
    assert ranking.scores() == scores
    assert len(ranking.hits) == len(scores)
    for before, after in pairwise(ranking.hits):
        assert before.score > after.score or (
            before.score == after.score
            # trec_eval compares ids with strcmp, so by bytes.
            and before.doc_id.encode() > after.doc_id.encode()
        )


def test_docs_per_second_is_that_of_the_median_pass_and_ignores_warmup() -> None:
    assert THROUGHPUT.docs_per_s == 30.0


def test_model_docs_per_second_uses_the_passes_with_tokens_ready() -> None:
    assert replace(THROUGHPUT, model_passes_s=(1.0, 0.5, 2.0)).model_docs_per_s == 60.0


def test_model_docs_per_second_is_unknown_where_not_measured() -> None:
    assert THROUGHPUT.model_docs_per_s is None


def test_mean_runs_over_all_queries() -> None:
    record = _record({"nDCG@10": {"a": 1.0, "b": 0.0, "c": 0.5}})
    assert record.mean("nDCG@10") == 0.5


def test_mean_of_a_metric_that_was_not_computed_is_none() -> None:
    assert _record({"nDCG@10": {"a": 1.0}}).mean("MAP") is None
    assert _record({"MAP": {}}).mean("MAP") is None


def test_values_are_frozen_and_take_keywords_only() -> None:
    query = Query(query_id="q", text="t")
    with pytest.raises(FrozenInstanceError):
        query.text = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        Query("q", "t")  # type: ignore[call-arg]
