"""Depth curves, against pytrec_eval on rankings that were reranked depth by depth."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rerankbench.compare.budget import best_within, estimated_ms
from rerankbench.compare.depth import DepthCurve, depth_curve, depths_to, per_query_values
from rerankbench.errors import UsageError
from rerankbench.registry import naming
from rerankbench.results import derived
from rerankbench.results.tasks import Task
from rerankbench.types import Latency, Ranking, Record
from tests.compare.cases import ranking, record_of, scored_tasks, task, topic

METRICS = ("nDCG@10", "nDCG@3", "nDCG", "MAP", "MAP@5", "MRR@10", "MRR", "Recall@20", "P@3")


def reranked(one: Task, rankings: Sequence[Ranking], depth: int) -> dict[str, dict[str, float]]:
    """The first `depth` candidates by score as float32, ties by doc_id; the others behind."""
    scores = {each.query_id: each.scores() for each in rankings}
    run = {}
    for each in one.topics:
        known = scores.get(each.query_id, {})
        first = sorted(
            each.candidates[:depth],
            key=lambda doc_id, known=known: (float(np.float32(known[doc_id])), doc_id),  # type: ignore[misc]
            reverse=True,
        )
        order = [*first, *each.candidates[depth:]]
        run[each.query_id] = {doc_id: float(-at) for at, doc_id in enumerate(order)}
    return run


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=25)
@given(drawn=scored_tasks())
def test_every_point_is_what_pytrec_eval_says_of_the_reranked_list(
    name: str, drawn: tuple[Task, tuple[Ranking, ...]]
) -> None:
    one, rankings = drawn
    metric = naming.parse_metric(name)
    longest = max(len(each.candidates) for each in one.topics)
    assume(longest)
    curve = depth_curve(record_of(35), one, rankings, name)
    assert curve.depths == depths_to(min(35, longest))
    for depth, mean, ceiling in zip(curve.depths, curve.means, curve.ceilings, strict=True):
        expected = metric.per_query(one.qrels(), reranked(one, rankings, depth))
        assert mean == pytest.approx(fmean(expected.values()), abs=1e-12)
        best = [
            ranking(each.query_id, {d: each.grades.get(d, 0) for d in each.candidates})
            for each in one.topics
        ]
        by_grade = metric.per_query(one.qrels(), reranked(one, best, depth))
        assert ceiling == pytest.approx(fmean(by_grade.values()), abs=1e-12)


def test_the_last_point_is_the_records_own_figure() -> None:
    generator = random.Random(1)
    names = [f"d{at}" for at in range(100)]
    one = task(
        *(topic(f"q{n}", dict.fromkeys(generator.sample(names, 3), 1), names) for n in range(20))
    )
    rankings = [
        ranking(each.query_id, {d: generator.random() for d in names}) for each in one.topics
    ]
    metric = naming.parse_metric("nDCG@10")
    own = metric.per_query(one.qrels(), {each.query_id: each.scores() for each in rankings})
    curve = depth_curve(record_of(100), one, rankings, "ndcg_cut_10")
    assert curve.metric == "nDCG@10"
    assert curve.at(100) == pytest.approx(fmean(own.values()), abs=1e-12)
    assert len(curve.depths) == 11
    assert curve.queries == 20


def test_documents_beyond_the_depth_keep_their_places_behind() -> None:
    names = [f"d{at:02}" for at in range(30)]
    one = task(topic("q", {"d25": 1}, names))
    scores = ranking("q", {d: float(d == "d25") for d in names})
    curve = depth_curve(record_of(30), one, [scores], "Recall@28")
    assert curve.means == (1.0, 1.0, 1.0, 1.0)
    assert depth_curve(record_of(30), one, [scores], "MRR").means[:3] == (1 / 26,) * 3


@given(st.integers(1, 2000))
def test_depths_rise_to_the_last(depth: int) -> None:
    depths = depths_to(depth)
    assert depths[0] == 0 and depths[-1] == depth
    assert list(depths) == sorted(set(depths))
    assert all(at % 10 == 0 for at in depths[:-1]) or depths == tuple(range(depth + 1))


def test_no_depth_is_beyond_the_longest_list() -> None:
    names = [f"d{at:02}" for at in range(17)]
    one = task(*(topic(f"q{at}", {"d00": 1}, names[: 2 + at]) for at in range(4)))
    scores = [ranking(each.query_id, dict.fromkeys(each.candidates, 1.0)) for each in one.topics]
    assert depth_curve(record_of(100), one, scores, "nDCG@10").depths == (0, 1, 2, 3, 4, 5)
    one = task(*one.topics, topic("q9", {"d00": 1}, names))
    scores = [ranking(each.query_id, dict.fromkeys(each.candidates, 1.0)) for each in one.topics]
    assert depth_curve(record_of(100), one, scores, "nDCG@10").depths == (0, 10, 17)


def test_lists_that_are_all_empty_are_refused() -> None:
    with pytest.raises(UsageError, match="no depth curve; no query has candidates"):
        depth_curve(record_of(100), task(topic("q", {"a": 1}, [])), [], "nDCG@10")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"reads": "lists"}, "depend on the query's other candidates"),
        ({"fusion": "rrf k=60"}, "joined with the first stage's"),
    ],
)
def test_scores_that_depend_on_the_list_are_refused(change: Any, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        depth_curve(record_of(10, **change), task(topic("q", {"a": 1}, [])), [], "nDCG@10")


def test_added_positives_are_refused() -> None:
    record = record_of(10)
    record = replace(record, cell=replace(record.cell, adds_positives=True))
    with pytest.raises(UsageError, match="missed positives were added"):
        depth_curve(record, task(topic("q", {"a": 1}, [])), [], "nDCG@10")


def test_a_run_that_is_not_of_the_candidates_is_refused() -> None:
    one = task(topic("q", {"a": 1}, ["a", "b"]))
    for scores in ({"a": 1.0}, {"a": 1.0, "b": 2.0, "c": 3.0}):
        with pytest.raises(UsageError, match="does not score just the candidates of query 'q'"):
            depth_curve(record_of(10), one, [ranking("q", scores)], "nDCG@10")


def test_other_metrics_are_computed_by_their_plug_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    from rerankbench.compare import rank_metrics

    for name in ("Coverage@10", "nDCG@ten"):
        assert rank_metrics.measure_at(name) is None
    chance = random.Random(0)
    topics, orders = [], []
    for at in range(4):
        docs = [f"d{number}" for number in range(25)]
        grades = {name: chance.randint(0, 2) for name in [*chance.sample(docs, 6), "missed"]}
        topics.append(topic(f"q{at}", grades, docs))
        orders.append(np.array(chance.sample(range(25), 25)))
    for metric in ("nDCG@5", "MAP", "MRR(rel=2)@10", "Recall@20", "P@3"):
        at_once = per_query_values(topics, orders, metric, (0, 5, 10, 25))
        with monkeypatch.context() as patch:
            patch.setattr(rank_metrics, "_MEASURES", {})
            one_by_one = per_query_values(topics, orders, metric, (0, 5, 10, 25))
        np.testing.assert_allclose(at_once, one_by_one, atol=1e-9)


def curve_of(relevant_at: Sequence[int], scores: str, *, depth: int = 100) -> DepthCurve:
    """One relevant document a query at that place; what the model likes beside it."""
    names = [f"d{at:03}" for at in range(depth)]
    topics, rankings = [], []
    for number, at in enumerate(relevant_at):
        by_score = {d: -float(place) for place, d in enumerate(names)}
        if scores in ("finds", "is lured"):
            by_score[names[at]] = 1.0
        if scores == "is lured" and number % 2:
            by_score |= dict.fromkeys(names[60:], 2.0)
        if scores == "reverses":
            by_score = {d: float(place) for place, d in enumerate(names)}
        topics.append(topic(f"q{number:02}", {names[at]: 1}, names))
        rankings.append(ranking(f"q{number:02}", by_score))
    return depth_curve(record_of(depth), task(*topics), rankings, "nDCG@10")


def test_a_model_that_finds_what_stands_early_saturates() -> None:
    curve = curve_of([at % 30 for at in range(60)], "finds")
    assert curve.shape == "saturates"
    assert (curve.peak, curve.enough) == (30, 30)
    assert curve.gain is not None and curve.gain.low > 0


def test_a_model_that_finds_what_stands_late_still_rises() -> None:
    curve = curve_of([at * 97 % 100 for at in range(60)], "finds")
    assert curve.shape == "still rises"
    assert curve.peak > 90


def test_a_model_that_is_lured_by_deep_documents_decays() -> None:
    curve = curve_of([at % 30 for at in range(60)], "is lured")
    assert curve.shape == "peaks then decays"
    assert curve.peak == 30
    assert curve.decay is not None and curve.decay.low > 0


def test_a_model_that_reverses_a_good_order_harms() -> None:
    curve = curve_of([at % 3 for at in range(60)], "reverses")
    assert curve.shape == "harms"
    assert (curve.peak, curve.enough) == (0, 0)


def test_a_model_that_changes_nothing_is_unclear() -> None:
    curve = curve_of([at % 30 for at in range(60)], "as it is")
    assert curve.shape == "unclear"
    assert curve.gain is not None and (curve.gain.low, curve.gain.high) == (0, 0)


def test_few_queries_get_no_label() -> None:
    curve = curve_of([5] * 9, "finds")
    assert (curve.shape, curve.gain, curve.decay) == ("unclear", None, None)
    assert curve.peak == 10
    assert curve_of([5] * 10, "finds").shape == "saturates"


def test_enough_is_the_first_depth_that_is_hardly_worse() -> None:
    # One query in 300 is found beyond depth 10: 0.0033 of the mean.
    curve = curve_of([5] * 299 + [55], "finds")
    assert (curve.peak, curve.enough) == (60, 10)
    curve = curve_of([5] * 99 + [55], "finds")
    assert (curve.peak, curve.enough) == (60, 60)


def _random_case(
    queries: int, seed: int, *, alike: float, length: int | None = None
) -> tuple[Task, list[Ranking]]:
    """Lists of candidates, scores that agree with the grades in some queries, and at random."""
    chance = random.Random(seed)
    topics, rankings = [], []
    for number in range(queries):
        names = [f"d{at:02}" for at in range(length or chance.randint(1, 45))]
        grades = {doc_id: chance.choice([0, 0, 0, 1, 2]) for doc_id in names}
        topics.append(topic(f"q{number:03}", grades, names))
        agrees = chance.random() < alike
        scores = {doc_id: chance.random() + 3 * agrees * grades[doc_id] for doc_id in names}
        rankings.append(ranking(f"q{number:03}", scores))
    return task(*topics), rankings


@given(
    queries=st.integers(10, 40),
    seed=st.integers(0, 2**32),
    alike=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
    metric=st.sampled_from(["nDCG@10", "MRR", "Recall@20", "P@3"]),
)
@settings(max_examples=60)
def test_every_estimate_lies_inside_its_interval(
    queries: int, seed: int, alike: float, metric: str
) -> None:
    one, rankings = _random_case(queries, seed, alike=alike)
    curve = depth_curve(record_of(100), one, rankings, metric)
    for difference in (curve.gain, curve.decay):
        assert difference is not None
        assert difference.low - 1e-12 <= difference.estimate <= difference.high + 1e-12
    assert curve.gain is not None
    assert curve.gain.estimate == pytest.approx(curve.means[-1] - curve.means[0], abs=1e-12)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=10)
def test_the_best_depth_is_chosen_on_the_other_half_of_the_queries(seed: int) -> None:
    one, rankings = _random_case(14, seed, alike=0.3, length=35)
    record = record_of(100)
    halves = [(task(*one.topics[side::2]), rankings[side::2]) for side in (0, 1)]
    lost = []
    for chosen_on, measured_on in (halves, halves[::-1]):
        best = depth_curve(record, *chosen_on, "nDCG@10").peak
        for each, scores in zip(measured_on[0].topics, measured_on[1], strict=True):
            alone = depth_curve(record, task(each), [scores], "nDCG@10")
            lost.append(alone.at(best) - alone.means[-1])
    curve = depth_curve(record, one, rankings, "nDCG@10")
    assert curve.decay is not None
    assert curve.decay.estimate == pytest.approx(fmean(lost), abs=1e-12)


def test_noise_is_seldom_called_a_peak() -> None:
    """Models that score at random among candidates that are alike: no depth is better."""
    generator = np.random.default_rng(5)
    names = [f"d{at:03}" for at in range(100)]
    shapes = []
    for _ in range(60):
        topics, rankings = [], []
        for number in range(40):
            grades = {str(d): 1 for d in generator.permutation(names)[:30]}
            topics.append(topic(f"q{number}", grades, names))
            scores = dict(zip(names, generator.random(100).tolist(), strict=True))
            rankings.append(ranking(f"q{number}", scores))
        shapes.append(depth_curve(record_of(100), task(*topics), rankings, "nDCG@10").shape)
    labelled = sum(shape != "unclear" for shape in shapes)
    # Three one-sided looks at 2.5 % each; chosen and tested on the same queries, far more peak.
    assert labelled <= 10


def timed(requests_s: Sequence[float], documents: Sequence[int]) -> Record:
    latency = Latency(requests_s=tuple(requests_s), pairs_per_request=tuple(documents))
    record = record_of(100)
    return replace(record, measurements=replace(record.measurements, latency=latency))


def test_time_is_measured_at_the_full_depth_and_estimated_by_documents_below() -> None:
    # Some queries have fewer candidates than the depth of 100.
    record = timed([0.3, 0.1, 0.2], [80, 100, 50])
    assert estimated_ms(record, 40) == pytest.approx(1000 * 0.3 * 40 / 80)
    # The request of 50 documents counts as it is.
    assert estimated_ms(record, 60) == pytest.approx(1000 * 0.2)
    assert estimated_ms(record, 0) == 0.0
    assert estimated_ms(record_of(100), 50) is None


@given(
    requests=st.lists(st.tuples(st.floats(0.001, 9), st.integers(1, 60)), min_size=1, max_size=20),
    depth=st.integers(0, 200),
)
def test_time_is_never_beyond_what_was_measured(
    requests: list[tuple[float, int]], depth: int
) -> None:
    times, documents = zip(*requests, strict=True)
    record = timed(times, documents)
    estimated, measured = estimated_ms(record, depth), derived.latency_ms(record, 50)
    assert estimated is not None and measured is not None
    assert estimated <= measured
    assert depth < max(documents) or estimated == measured


def test_the_budget_takes_the_best_depth_that_fits() -> None:
    curve = curve_of([at % 30 for at in range(60)], "finds")
    slow = timed([1.0], [100])
    chosen = best_within(curve, slow, 250.0)
    assert chosen is not None
    assert (chosen.depth, chosen.mean, chosen.estimated_ms) == (20, curve.at(20), 200.0)
    assert best_within(curve, slow, 200.0) == chosen
    within = best_within(curve, slow, 5000.0)
    assert within is not None and within.depth == 30
    none = best_within(curve, slow, 50.0)
    assert none is not None and (none.depth, none.estimated_ms) == (0, 0.0)
    assert best_within(curve, record_of(100), 250.0) is None


def test_the_budget_leaves_out_a_model_that_harms() -> None:
    curve = curve_of([at % 3 for at in range(60)], "reverses")
    chosen = best_within(curve, timed([1.0], [100]), 5000.0)
    assert chosen is not None and chosen.depth == 0


@pytest.mark.parametrize("base", ["MAP", "MRR", "Recall", "P"])
@given(drawn=scored_tasks(missing=False), level=st.integers(2, 3))
@settings(deadline=None)
def test_curves_at_a_level_end_at_the_metrics_own_value(
    base: str, drawn: tuple[Task, tuple[Ranking, ...]], level: int
) -> None:
    one, rankings = drawn
    depth = max(len(topic.candidates) for topic in one.topics)
    name = f"{base}(rel={level})@7"
    curve = depth_curve(record_of(depth), one, rankings, name)
    own = naming.parse_metric(name).per_query(
        one.qrels(), {each.query_id: each.scores() for each in rankings}
    )
    assert curve.metric == name
    assert curve.at(depth) == pytest.approx(fmean(own.values()), abs=1e-12)


def test_a_curve_is_at_the_level_of_the_records_collection() -> None:
    record = record_of(10)
    collection = replace(record.cell.collection, relevance_level=2)
    record = replace(record, cell=replace(record.cell, collection=collection))
    one = task(topic("q", {"a": 1, "b": 2}, ["a", "b"]))
    curve = depth_curve(record, one, [ranking("q", {"a": 2.0, "b": 1.0})], "MRR")
    assert (curve.metric, curve.at(2)) == ("MRR(rel=2)", 0.5)
    assert depth_curve(record, one, [ranking("q", {"a": 2.0, "b": 1.0})], "MRR(rel=1)").at(2) == 1
