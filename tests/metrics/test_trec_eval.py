"""trec_eval's measures against pytrec_eval itself and against plain loops over the definitions."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import UsageError
from rerankbench.metrics import trec_eval
from rerankbench.registry.naming import parse_metric
from rerankbench.types import Qrels, Run

DOCS = [f"d{i}" for i in range(12)]
# Few scores and many documents, so that ties are the rule; grades as in TREC-COVID, below 0 too.
GRADES = st.dictionaries(st.sampled_from(DOCS), st.integers(-2, 3), min_size=1, max_size=8)
SCORES = st.dictionaries(
    st.sampled_from(DOCS),
    st.sampled_from([-3.5, 0.0, 1.0, 1.0 + 2**-40, 7.25]) | st.floats(-9, 9),
    max_size=12,
)
QUERIES = st.sampled_from(["q1", "q2", "q3"])
QRELS = st.dictionaries(QUERIES, GRADES, min_size=1)
# pytrec_eval itself dies of several grades below 0: those are left to the plain loops.
JUDGED_FROM_0 = st.dictionaries(
    QUERIES, st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1), min_size=1
)
RUNS = st.dictionaries(QUERIES, SCORES)
CUTOFFS = st.integers(1, 14)


def _relevance(grades: Mapping[str, int], scores: Mapping[str, float]) -> list[int]:
    """Grade at each rank: score falling, equal scores by id falling; unjudged counts 0."""
    ids = sorted(scores)
    ids.reverse()
    # Stable, so ties stay by id falling; scores are 32 bits wide in trec_eval 9.0.8.
    ids.sort(key=lambda doc: -_as_float32(scores[doc]))
    return [max(0, grades.get(doc, 0)) for doc in ids]


def _as_float32(score: float) -> float:
    (rounded,) = struct.unpack("f", struct.pack("f", score))
    assert isinstance(rounded, float)
    return rounded


def _dcg(gains: list[int]) -> float:
    total = 0.0
    for rank, gain in enumerate(gains, start=1):
        total += gain / math.log2(rank + 1)
    return total


def _ndcg(grades: Mapping[str, int], scores: Mapping[str, float], k: int) -> float:
    ideal = _dcg(sorted((max(0, grade) for grade in grades.values()), reverse=True)[:k])
    return _dcg(_relevance(grades, scores)[:k]) / ideal if ideal else 0.0


def _average_precision(grades: Mapping[str, int], scores: Mapping[str, float], k: int) -> float:
    relevant = sum(grade > 0 for grade in grades.values())
    found, total = 0, 0.0
    for rank, grade in enumerate(_relevance(grades, scores)[:k], start=1):
        if grade > 0:
            found += 1
            total += found / rank
    return total / relevant if relevant else 0.0


def _reciprocal_rank(grades: Mapping[str, int], scores: Mapping[str, float], k: int) -> float:
    for rank, grade in enumerate(_relevance(grades, scores)[:k], start=1):
        if grade > 0:
            return 1 / rank
    return 0.0


def _recall(grades: Mapping[str, int], scores: Mapping[str, float], k: int) -> float:
    relevant = sum(grade > 0 for grade in grades.values())
    found = sum(grade > 0 for grade in _relevance(grades, scores)[:k])
    return found / relevant if relevant else 0.0


def _precision(grades: Mapping[str, int], scores: Mapping[str, float], k: int) -> float:
    # Short rankings are not forgiven: the denominator stays k.
    return sum(grade > 0 for grade in _relevance(grades, scores)[:k]) / k


DEFINITIONS = {
    "nDCG": _ndcg,
    "MAP": _average_precision,
    "MRR": _reciprocal_rank,
    "Recall": _recall,
    "P": _precision,
}
PYTREC_EVAL = {"nDCG": "ndcg_cut", "MAP": "map_cut", "Recall": "recall", "P": "P"}
WHOLE = {"nDCG": "ndcg", "MAP": "map", "MRR": "recip_rank"}


@pytest.mark.parametrize("name", DEFINITIONS)
@given(qrels=QRELS, run=RUNS, k=CUTOFFS)
def test_values_follow_the_definition(name: str, qrels: Qrels, run: Run, k: int) -> None:
    expected = {
        query: DEFINITIONS[name](grades, run.get(query, {}), k) for query, grades in qrels.items()
    }
    found = parse_metric(f"{name}@{k}").per_query(qrels, run)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", WHOLE)
@given(qrels=QRELS, run=RUNS)
def test_values_without_a_cutoff_follow_the_definition_over_all_ranks(
    name: str, qrels: Qrels, run: Run
) -> None:
    expected = {
        query: DEFINITIONS[name](grades, run.get(query, {}), len(DOCS))
        for query, grades in qrels.items()
    }
    assert parse_metric(name).per_query(qrels, run) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("name", "measure"), PYTREC_EVAL.items())
@given(qrels=JUDGED_FROM_0, run=RUNS, k=CUTOFFS)
def test_values_are_exactly_those_of_pytrec_eval(
    name: str, measure: str, qrels: dict[str, dict[str, int]], run: Run, k: int
) -> None:
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {f"{measure}.{k}"})
    reference = evaluator.evaluate({query: run[query] for query in run if run[query]})
    found = parse_metric(f"{name}@{k}").per_query(qrels, run)
    assert {query: found[query] for query in reference} == {
        query: values[f"{measure}_{k}"] for query, values in reference.items()
    }


@given(qrels=QRELS, run=RUNS)
def test_every_judged_query_has_a_value_in_the_order_of_the_qrels(qrels: Qrels, run: Run) -> None:
    assert list(parse_metric("nDCG@10").per_query(qrels, run)) == list(qrels)


def test_a_query_without_results_scores_0_and_one_without_judgments_is_left_out() -> None:
    qrels = {"answered": {"d": 1}, "empty": {"d": 1}, "absent": {"d": 1}}
    run = {"answered": {"d": 1.0}, "empty": {}, "unjudged": {"d": 1.0}}
    for name in ("nDCG@10", "MAP", "MRR@10", "Recall@10", "P@1"):
        found = parse_metric(name).per_query(qrels, run)
        assert found == {"answered": 1.0, "empty": 0.0, "absent": 0.0}


def test_a_query_whose_judgments_are_an_empty_mapping_scores_0() -> None:
    assert parse_metric("nDCG@10").per_query({"q": {}}, {"q": {"d": 1.0}}) == {"q": 0.0}


def test_gain_is_linear_in_the_grade() -> None:
    # Grades 1 and 3, worst first: (1 + 3/log2(3)) / (3 + 1/log2(3)) by hand.
    value = parse_metric("nDCG@10").per_query({"q": {"a": 1, "b": 3}}, {"q": {"a": 2.0, "b": 1.0}})
    assert value["q"] == pytest.approx(0.7967075809905066, abs=1e-12)


def test_grades_below_0_count_as_0_however_many_there_are() -> None:
    grades = {"a": 2, "b": -1, **{f"x{i}": -1 - i % 3 for i in range(500)}}
    run = {"q": {"a": 1.0, **{f"x{i}": 2.0 + i for i in range(3)}}}
    for _ in range(50):
        assert parse_metric("nDCG@10").per_query({"q": grades}, run)["q"] == pytest.approx(
            1 / math.log2(5)
        )
        assert parse_metric("MAP").per_query({"q": grades}, run)["q"] == 0.25


def test_ties_go_to_the_greater_id() -> None:
    run = {"q": {"a": 1.0, "b": 1.0}}
    assert parse_metric("MRR").per_query({"q": {"a": 1}}, run)["q"] == 0.5
    assert parse_metric("MRR").per_query({"q": {"b": 1}}, run)["q"] == 1.0


def test_scores_tie_where_float32_holds_no_difference() -> None:
    rank_of_a = {
        exponent: 1
        / parse_metric("MRR").per_query({"q": {"a": 1}}, {"q": {"a": score, "b": 1.0}})["q"]
        for exponent in (23, 25)
        for score in [1.0 + 2**-exponent]
    }
    assert rank_of_a == {23: 1.0, 25: 2.0}


@pytest.mark.parametrize("k", [1, 2, 10, 100, 1000])
def test_reciprocal_rank_counts_rank_k_and_not_the_next(k: int) -> None:
    run = {"q": {f"d{rank:05}": -float(rank) for rank in range(1, k + 2)}}
    metric = trec_eval.reciprocal_rank(k)
    assert metric.per_query({"q": {f"d{k:05}": 1}}, run)["q"] == pytest.approx(1 / k)
    assert metric.per_query({"q": {f"d{k + 1:05}": 1}}, run)["q"] == 0.0


def test_names_are_those_that_papers_write() -> None:
    made = (trec_eval.ndcg, trec_eval.average_precision, trec_eval.reciprocal_rank)
    assert [make(10).name for make in made] == ["nDCG@10", "MAP@10", "MRR@10"]
    assert [make(None).name for make in made] == ["nDCG", "MAP", "MRR"]
    assert [trec_eval.recall(5).name, trec_eval.precision(5).name] == ["Recall@5", "P@5"]


@pytest.mark.parametrize("make", [trec_eval.recall, trec_eval.precision])
def test_recall_and_precision_need_a_cutoff(make: object) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match="needs a cutoff"):
        make(None)


@pytest.mark.parametrize("name", ["MAP", "MAP@7", "MRR", "MRR@5", "Recall@5", "P@5"])
@given(qrels=QRELS, run=RUNS, level=st.integers(1, 4))
def test_at_a_level_lower_grades_count_as_not_relevant(
    name: str, qrels: Qrels, run: Run, level: int
) -> None:
    # Against the definition over judgments from which the level has been taken out beforehand.
    base, _, cutoff = name.partition("@")
    binary = {q: {d: int(g >= level) for d, g in grades.items()} for q, grades in qrels.items()}
    expected = {
        query: DEFINITIONS[base](grades, run.get(query, {}), int(cutoff or len(DOCS)))
        for query, grades in binary.items()
    }
    text = f"{base}(rel={level})" + (f"@{cutoff}" if cutoff else "")
    assert parse_metric(text).per_query(qrels, run) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "name", ["AP(rel=2)", "AP(rel=2)@5", "RR(rel=2)", "R(rel=2)@5", "P(rel=3)@5"]
)
@given(qrels=JUDGED_FROM_0, run=RUNS)
def test_levels_are_those_of_ir_measures(
    name: str, qrels: dict[str, dict[str, int]], run: dict[str, dict[str, float]]
) -> None:
    import ir_measures

    measure = ir_measures.parse_measure(name)
    answered = {query: scores for query, scores in run.items() if scores}
    reference = {
        each.query_id: each.value
        for each in ir_measures.pytrec_eval.iter_calc([measure], qrels, answered)
    }
    found = parse_metric(name).per_query(qrels, run)
    assert found == pytest.approx({query: reference.get(query, 0.0) for query in qrels})


def test_rank_metrics_have_the_names_of_their_level() -> None:
    made = [trec_eval.average_precision(None), trec_eval.reciprocal_rank(10), trec_eval.recall(5)]
    assert [each.at_level(2).name for each in made] == [
        "MAP(rel=2)",
        "MRR(rel=2)@10",
        "Recall(rel=2)@5",
    ]
    assert made[0].at_level(1) is made[0]


@given(
    qrels=JUDGED_FROM_0,
    run=RUNS,
    asked=st.lists(
        st.builds("{}@{}".format, st.sampled_from(list(DEFINITIONS)), CUTOFFS)
        | st.sampled_from(["MAP", "MRR", "nDCG", "MAP(rel=2)", "P(rel=3)@5"]),
        min_size=1,
        unique=True,
    ),
)
def test_measures_computed_together_are_those_computed_alone(
    qrels: Qrels, run: Run, asked: list[str]
) -> None:
    measures = [parse_metric(name) for name in asked]
    together = trec_eval.TrecEval().per_query(measures, qrels, run)  # type: ignore[arg-type]
    assert set(together) == {measure.name for measure in measures}
    for measure in measures:
        assert together[measure.name] == measure.per_query(qrels, run)
