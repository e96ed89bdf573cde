"""Values per query, unanswered queries, and how far ties could move a metric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, permutations, product
from statistics import fmean
from typing import Any

import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.errors import UsageError
from rerankbench.registry.naming import parse_metric
from rerankbench.run import quality
from rerankbench.types import Hit, Qrels, Ranking, Run

DOCS = [f"d{i}" for i in range(5)]
QRELS = st.dictionaries(
    st.sampled_from(["p", "q"]),
    st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 2), min_size=1),
    min_size=1,
)
SCORED = st.dictionaries(
    st.sampled_from(["p", "q"]),
    st.dictionaries(st.sampled_from(DOCS), st.sampled_from([0.0, 1.0, 2.0]), max_size=5),
    min_size=1,
)
NDCG = parse_metric("nDCG@3")


def _ranking(query: str, scores: dict[str, float]) -> Ranking:
    return Ranking.sort(query, [Hit(doc_id=doc, score=score) for doc, score in scores.items()])


def _tie_orders(ranking: Ranking) -> Iterator[dict[str, float]]:
    """The ranking in every order that its ties allow, as scores without ties."""
    groups = [list(hits) for _, hits in groupby(ranking.hits, key=lambda hit: hit.score)]
    for orders in product(*(permutations(group) for group in groups)):
        flat = [hit.doc_id for order in orders for hit in order]
        yield {doc: float(-rank) for rank, doc in enumerate(flat)}


def _bounds(qrels: Qrels, rankings: Sequence[Ranking], name: str) -> tuple[float, float]:
    metric = parse_metric(name)
    means = [
        fmean(metric.per_query(qrels, dict(zip(ids, chosen, strict=True))).values())
        for ids in [[ranking.query_id for ranking in rankings]]
        for chosen in product(*(list(_tie_orders(ranking)) for ranking in rankings))
    ]
    return min(means), max(means)


@dataclass
class Odd:
    """A plug-in's metric that gives what is no number."""

    value: float
    name: str = "odd"

    def per_query(self, qrels: Qrels, run: Run) -> dict[str, float]:
        return dict.fromkeys(qrels, self.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_metric_that_gives_no_finite_number_is_refused(value: float) -> None:
    with pytest.raises(UsageError, match=r"^metric odd: its value of query 'q' is -?(nan|inf), "):
        quality.evaluate({"q": {"d": 1}}, [_ranking("q", {"d": 1.0})], [NDCG, Odd(value)])


@pytest.mark.parametrize("name", ["nDCG@3", "nDCG", "MAP", "MRR@2", "Recall@2", "P@1"])
@settings(max_examples=15)
@given(qrels=QRELS, scored=SCORED.filter(lambda run: sum(map(len, run.values())) <= 7))
def test_bounds_of_ties_are_those_of_trying_every_order(
    name: str, qrels: Qrels, scored: dict[str, dict[str, float]]
) -> None:
    rankings = [_ranking(query, scores) for query, scores in scored.items()]
    found = quality.tie_audit(qrels, rankings, parse_metric(name))
    worst, best = _bounds(qrels, rankings, name)
    if found is None:
        assert worst == best
    else:
        assert (found.worst, found.best) == pytest.approx((worst, best), abs=1e-12)


@given(qrels=QRELS, scored=SCORED)
def test_the_value_itself_lies_within_the_bounds(
    qrels: Qrels, scored: dict[str, dict[str, float]]
) -> None:
    rankings = [_ranking(query, scores) for query, scores in scored.items()]
    found = quality.tie_audit(qrels, rankings, NDCG)
    value = fmean(quality.evaluate(qrels, rankings, [NDCG])[NDCG.name].values())
    if found is not None:
        assert found.worst - 1e-12 <= value <= found.best + 1e-12


def test_tie_rate_is_the_share_of_neighbouring_hits_over_all_rankings() -> None:
    rankings = [
        _ranking("p", {"a": 1.0, "b": 1.0, "c": 0.5}),
        _ranking("q", {"a": 3.0, "b": 2.0, "c": 1.0, "d": 1.0}),
        _ranking("lonely", {"a": 1.0}),
        _ranking("empty", {}),
    ]
    found = quality.tie_audit({"p": {"a": 1}}, rankings, NDCG)
    assert found is not None
    assert found.rate == 2 / 5


def test_scores_that_differ_below_float32_tie_as_they_do_in_the_metric() -> None:
    # In the other order of ids the metric gives the other end of what the audit says.
    scores = {"a": 1.0 + 2**-40, "b": 1.0}
    ranking, qrels = _ranking("q", scores), {"q": {"a": 1}}
    metric = parse_metric("MRR")
    found = quality.tie_audit(qrels, [ranking], metric)
    assert found is not None
    assert (found.rate, found.worst, found.best) == (1.0, 0.5, 1.0)
    assert metric.per_query(qrels, {"q": scores}) == {"q": 0.5}
    assert [hit.doc_id for hit in ranking.hits] == ["b", "a"]


def test_a_constant_scorer_is_unmasked() -> None:
    ranking = _ranking("q", dict.fromkeys("abcdefghij", 0.0))
    found = quality.tie_audit({"q": {"j": 1}}, [ranking], parse_metric("MRR"))
    assert found is not None
    assert (found.rate, found.worst, found.best) == (1.0, 0.1, 1.0)


@pytest.mark.parametrize(
    ("qrels", "effect"),
    [
        ({"q": {"j": 1}}, "MRR is between 0.1000 and 1.0000 depending on their order"),
        ({"q": dict.fromkeys("abcdefghij", 1)}, "their order does not change MRR"),
    ],
)
def test_a_warning_gives_bounds_only_where_ties_move_the_metric(qrels: Qrels, effect: str) -> None:
    ranking = _ranking("q", dict.fromkeys("abcdefghij", 0.0))
    warnings = quality.audit(qrels, [ranking], [parse_metric("MRR")]).warnings
    assert warnings == (f"100.0% of neighbouring scores tie: {effect}",)


@pytest.mark.parametrize("scores", [{}, {"a": 1.0}, {"a": 1.0, "b": 1.0 + 2**-23}])
def test_rankings_without_ties_have_no_audit(scores: dict[str, float]) -> None:
    assert quality.tie_audit({"q": {"a": 1}}, [_ranking("q", scores)], NDCG) is None


def test_evaluate_gives_every_metric_over_every_judged_query() -> None:
    qrels = {"p": {"a": 1}, "q": {"b": 1}}
    metrics = [parse_metric("MRR"), parse_metric("P@1")]
    rankings = [_ranking("q", {"a": 2.0, "b": 1.0}), _ranking("unjudged", {"a": 1.0})]
    assert quality.evaluate(qrels, rankings, metrics) == {
        "MRR": {"p": 0.0, "q": 0.5},
        "P@1": {"p": 0.0, "q": 0.0},
    }


def test_rankings_may_be_read_once_only() -> None:
    found = quality.evaluate(
        {"q": {"a": 1}}, iter([_ranking("q", {"a": 1.0})]), [NDCG, parse_metric("MAP")]
    )
    assert found == {"nDCG@3": {"q": 1.0}, "MAP": {"q": 1.0}}


def test_judged_queries_without_results_are_counted() -> None:
    qrels: Qrels = {"answered": {"a": 1}, "empty": {"a": 1}, "absent": {"a": 0}}
    rankings = [_ranking("answered", {"x": 1.0}), _ranking("empty", {}), _ranking("other", {})]
    assert quality.without_results(qrels, rankings) == 2


def test_queries_that_cannot_score_are_counted_and_told() -> None:
    qrels = {"a": {"x": 0, "y": -1}, "b": {"x": 1}, "c": {"x": 2}, "d": {}}
    rankings = [_ranking(query, {"x": 2.0, "y": 1.0}) for query in qrels]
    told = quality.audit(qrels, rankings, [NDCG]).warnings
    assert told == ("2 judged queries have no relevant document and score 0 (first: 'a')",)
    at_2 = (
        "1 judged queries have no document of grade 2 or more and score 0 where rel=2 (first: 'b')"
    )
    at_3 = (
        "2 judged queries have no document of grade 3 or more and score 0 where rel=3 (first: 'b')"
    )
    assert quality.audit(qrels, rankings, [NDCG], level=2).warnings[1:] == (at_2,)
    assert quality.audit({"c": {"x": 2}}, rankings, [NDCG], level=2).warnings == ()
    # A metric may be asked for at a level that its collection says nothing of.
    metrics = [parse_metric("RR(rel=2)@10"), NDCG, parse_metric("MAP(rel=3)"), parse_metric("P@1")]
    assert quality.audit(qrels, rankings, metrics).warnings[1:] == (at_2, at_3)


def test_one_pass_computes_all_metrics_of_a_provider_and_one_of_a_plug_in_stands_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    built: list[set[str]] = []
    evaluator = pytrec_eval.RelevanceEvaluator

    def counted(qrels: Qrels, measures: set[str], **settings: Any) -> Any:
        built.append(measures)
        return evaluator(qrels, measures, **settings)

    monkeypatch.setattr(pytrec_eval, "RelevanceEvaluator", counted)
    names = ("nDCG@10", "MRR@10", "MAP", "P@10")
    metrics = [parse_metric("nDCG@10"), Odd(0.25), *map(parse_metric, names[1:])]
    qrels = {"p": {"d1": 1}, "q": {"d2": 2}}
    values = quality.evaluate(qrels, [_ranking("p", {"d0": 2.0, "d1": 1.0})], metrics)
    assert list(values) == ["nDCG@10", "odd", *names[1:]]
    assert values["odd"] == {"p": 0.25, "q": 0.25}
    assert values["MRR@10"] == {"p": 0.5, "q": 0.0}
    assert built == [{"ndcg_cut.10", "recip_rank", "map", "P.10"}]
