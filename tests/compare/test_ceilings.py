"""Ceilings and honesty figures, against pytrec_eval, ir_measures and plain loops."""

from __future__ import annotations

import itertools
from statistics import fmean

import ir_measures
import pytest
from hypothesis import given, settings

from rerankbench.compare import ceilings
from rerankbench.compare.ceilings import JudgedShare, QueryMoves
from rerankbench.protocols import Job
from rerankbench.registry import naming
from rerankbench.rerankers.baselines import first_stage_order, oracle
from rerankbench.results.tasks import Task
from rerankbench.types import Candidates, Document, Query, Ranking, Run
from tests.compare.cases import ranking, record_of, scored_tasks, task, topic

METRICS = ("nDCG@10", "nDCG", "MAP", "MAP@5", "MRR@10", "MRR", "Recall@20", "P@3")


@pytest.mark.parametrize("name", METRICS)
def test_no_order_of_the_candidates_exceeds_the_ceiling(name: str) -> None:
    grades = {"a": 2, "b": 1, "c": 0, "d": -1, "missed": 3}
    one = task(topic("q", grades, ["c", "d", "b", "a", "unjudged"]))
    metric = naming.parse_metric(name)
    every = [
        metric.per_query(one.qrels(), {"q": {doc_id: -at for at, doc_id in enumerate(order)}})["q"]
        for order in itertools.permutations(one.topics[0].candidates)
    ]
    assert ceilings.ceiling(one, metric)["q"] == pytest.approx(max(every), abs=1e-12)
    if name != "P@3":
        assert max(every) < 1 or name.startswith("MRR")


@settings(max_examples=40)
@given(scored_tasks())
def test_oracle_and_first_stage_rows_have_these_very_values(
    drawn: tuple[Task, tuple[Ranking, ...]],
) -> None:
    one, _ = drawn
    metric = naming.parse_metric("nDCG@10")
    assert ceilings.ceiling(one, metric) == metric.per_query(one.qrels(), _run(one, "oracle"))
    first = ceilings.first_stage_values(one, metric)
    assert first == metric.per_query(one.qrels(), _run(one, "bm25"))
    assert list(first) == [each.query_id for each in one.topics]


def _run(one: Task, name: str) -> Run:
    """What the baseline of that name gives these candidates."""
    lists = tuple(
        Candidates(
            query=Query(query_id=each.query_id, text=""),
            documents=tuple(Document(doc_id=d, title="", text="") for d in each.candidates),
            scores=tuple(-float(at) for at, _ in enumerate(each.candidates)),
        )
        for each in one.topics
    )
    job = Job(candidates=lists, qrels=one.qrels())
    baseline = oracle if name == "oracle" else first_stage_order
    pairs = [(each.query.query_id, d.doc_id) for each in lists for d in each.documents]
    run: dict[str, dict[str, float]] = {}
    for batch in baseline.score(job):
        for pair, score in zip(batch.pairs, batch.scores, strict=True):
            run.setdefault(pairs[pair][0], {})[pairs[pair][1]] = score
    return run


def test_headroom_share_is_that_of_the_means() -> None:
    first, best = {"a": 0.2, "b": 0.4}, {"a": 1.0, "b": 0.6}
    assert ceilings.headroom_share({"a": 0.5, "b": 0.6}, first, best) == pytest.approx(0.5)
    assert ceilings.headroom_share(best, first, best) == pytest.approx(1.0)
    assert ceilings.headroom_share(first, first, best) == pytest.approx(0.0)
    below = ceilings.headroom_share({"a": 0.0, "b": 0.4}, first, best)
    assert below == pytest.approx(-0.2)


def test_headroom_share_is_blank_where_the_first_stage_left_no_room() -> None:
    perfect = {"a": 0.7, "b": 0.9}
    assert ceilings.headroom_share({"a": 0.1, "b": 0.2}, perfect, perfect) is None
    # Added up in another order, a mean may differ in its last digit.
    rounded = {"a": 0.7 + 1e-16, "b": 0.9 + 2e-16}
    assert ceilings.headroom_share({"a": 0.1, "b": 0.2}, perfect, rounded) is None


@settings(max_examples=40)
@given(scored_tasks(missing=False))
def test_judged_share_is_that_of_ir_measures(drawn: tuple[Task, tuple[Ranking, ...]]) -> None:
    one, rankings = drawn
    # ir_measures breaks ties by rising document ids: scores without ties need no rule.
    rankings = tuple(
        ranking(each.query_id, {hit.doc_id: -at for at, hit in enumerate(each.hits)})
        for each in rankings
    )
    qrels = {each.query_id: dict(each.grades) for each in one.topics}
    run = {each.query_id: each.scores() for each in rankings}
    expected = [
        found.value for found in ir_measures.iter_calc([ir_measures.Judged @ 10], qrels, run)
    ]
    judged = ceilings.judged_at(one, rankings, 10)
    assert judged.share == pytest.approx(fmean(expected))
    assert judged.queries == len(expected)


def test_a_document_judged_for_another_query_is_unjudged() -> None:
    one = task(topic("q", {"a": 0}, ["a", "b"]), topic("r", {"b": 1}, []))
    judged = ceilings.judged_at(one, [ranking("q", {"a": 2, "b": 1}), ranking("s", {"b": 1})], 10)
    assert judged == JudgedShare(share=0.5, queries=1, without_results=1)
    assert ceilings.judged_at(one, [], 10) == JudgedShare(share=None, queries=0, without_results=2)


def test_only_the_first_k_are_looked_at() -> None:
    one = task(topic("q", {"a": 1}, ["a", "b"]))
    scores = ranking("q", {"b": 2, "a": 1})
    assert ceilings.judged_at(one, [scores], 1).share == 0.0
    assert ceilings.judged_at(one, [scores], 2).share == 0.5


def test_moves_count_queries_and_what_changes_less_than_the_margin_is_equal() -> None:
    base = {"a": 0.5, "b": 0.5, "c": 0.5, "d": 0.5}
    values = {"a": 0.4, "b": 0.5 + 1e-12, "c": 0.9}
    assert ceilings.moves(values, base) == QueryMoves(worse=2, equal=1, better=1)
    assert ceilings.moves(values, base).queries == 4
    assert ceilings.moves({"a": 0.25, "b": 0.75, "c": 0.5, "d": 0.5}, base, margin=0.25).equal == 4
    assert ceilings.moves(values, base, margin=0.2) == QueryMoves(worse=1, equal=2, better=1)


def test_truncated_share_is_blank_without_pairs() -> None:
    from dataclasses import replace

    record = replace(record_of(10), scored_pairs=8, truncated_pairs=2)
    assert ceilings.truncated_share(record) == 0.25
    assert ceilings.truncated_share(replace(record, scored_pairs=0, truncated_pairs=0)) is None
