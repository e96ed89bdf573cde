from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest

from rerankbench.errors import InputError, UsageError
from rerankbench.firststage import rank_bm25
from rerankbench.firststage.analysis import LuceneEnglish
from rerankbench.protocols import FirstStage
from rerankbench.types import Json, Ranking

from .stubs import InMemory, Recorder

TEXTS = ["red fox", "red red dog", "blue whale in the red sea", "", "dog dog fox", "green tree"]


def retrieve(
    collection: InMemory, arguments: Mapping[str, Json] | None = None, depth: int = 10
) -> list[Ranking]:
    stage: FirstStage = rank_bm25.create(arguments or {}, Path())
    return list(stage.retrieve(collection, collection.queries(), depth, progress=Recorder()))


def by_hand(
    texts: list[str], query: str, variant: str, p: Mapping[str, float]
) -> dict[str, float]:
    """The formulas of Trotman et al. as rank-bm25 0.2.2 has them, in plain loops."""
    analyzer = LuceneEnglish()
    documents = [analyzer.terms(text) for text in texts]
    n, average = len(documents), sum(map(len, documents)) / len(documents)
    df = {term: sum(term in d for d in documents) for d in documents for term in d}
    okapi = {term: math.log(n - f + 0.5) - math.log(f + 0.5) for term, f in df.items()}
    floor = p.get("epsilon", 0) * sum(okapi.values()) / len(okapi)
    scores = {}
    for row, document in enumerate(documents):
        terms = analyzer.terms(query)
        if not set(terms) & set(document):
            continue
        total = 0.0
        for term in terms:
            if term not in df:
                continue
            tf = document.count(term)
            norm = 1 - p["b"] + p["b"] * len(document) / average
            share = tf * (p["k1"] + 1) / (tf + p["k1"] * norm)
            if variant == "okapi":
                total += (okapi[term] if okapi[term] >= 0 else floor) * share
            elif variant == "l":
                c = tf / norm + p["delta"]
                idf = math.log(n + 1) - math.log(df[term] + 0.5)
                total += idf * tf * (p["k1"] + 1) * c / (p["k1"] + c)
            else:
                total += math.log((n + 1) / df[term]) * (p["delta"] + share)
        scores[f"d{row}"] = total
    return scores


@pytest.mark.parametrize(
    ("variant", "given", "full"),
    [
        ("okapi", {}, {"k1": 1.5, "b": 0.75, "epsilon": 0.25}),
        ("okapi", {"k1": "0.9", "b": 0.4, "epsilon": 0.5}, {"k1": 0.9, "b": 0.4, "epsilon": 0.5}),
        ("l", {}, {"k1": 1.5, "b": 0.75, "delta": 0.5}),
        ("l", {"delta": "1"}, {"k1": 1.5, "b": 0.75, "delta": 1.0}),
        ("plus", {}, {"k1": 1.5, "b": 0.75, "delta": 1.0}),
    ],
)
def test_scores_are_those_of_the_formula(
    variant: str, given: dict[str, Json], full: dict[str, float]
) -> None:
    queries = ["red", "red dog", "fox fox unheard", "whale dog"]
    rankings = retrieve(InMemory(TEXTS, queries), {"variant": variant, **given})
    for query, ranking in zip(queries, rankings, strict=True):
        expected = by_hand(TEXTS, query, variant, full)
        found = ranking.scores()
        # A term in just half of the documents weighs 0 in Okapi, alone or summed up by rounding.
        assert found == pytest.approx({doc_id: expected[doc_id] for doc_id in found})
        assert all(abs(expected[doc_id]) < 1e-12 for doc_id in expected.keys() - found.keys())
    stage = rank_bm25.create({"variant": variant, **given}, Path())
    assert stage.describe() == {
        "engine": "rank-bm25",
        "method": variant,
        **full,
        "analyzer": "lucene-english/1",
        "fields": "flat",
    }


def test_documents_with_negative_scores_are_hits() -> None:
    # All terms in more than half of the documents: their idf is floored at a negative average.
    (ranking,) = retrieve(InMemory(["x", "x", "x"], ["x"]))
    assert [hit.doc_id for hit in ranking.hits] == ["d2", "d1", "d0"]
    assert all(hit.score < 0 for hit in ranking.hits)


def test_documents_that_score_0_are_no_hits() -> None:
    # "red" is in two of four documents: its idf is ln(2.5 / 2.5).
    (alone, both) = retrieve(InMemory(["red", "red dog", "x", "y"], ["red", "red dog"]))
    assert alone.hits == ()
    assert [hit.doc_id for hit in both.hits] == ["d1"]


def test_documents_without_a_query_term_are_no_hits() -> None:
    rankings = retrieve(InMemory(TEXTS, ["whale", "the", "", "unheard"]), {"variant": "plus"})
    assert [[hit.doc_id for hit in ranking.hits] for ranking in rankings] == [["d2"], [], [], []]


def test_rankings_are_cut_at_depth_with_ties_by_doc_id() -> None:
    collection = InMemory(["x", "x", "y", "z", "x"], ["x"], doc_ids=["2", "10", "y", "z", "b"])
    (ranking,) = retrieve(collection, depth=2)
    assert [hit.doc_id for hit in ranking.hits] == ["b", "2"]


@pytest.mark.parametrize("texts", [[], ["", "the of"]])
def test_a_collection_without_words_is_refused(texts: list[str]) -> None:
    with pytest.raises(InputError, match="memory: no document holds a word"):
        retrieve(InMemory(texts, ["red"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variant": "okapy"}, "'variant' must be one of"),
        ({"variant": ["l"]}, "'variant' must be one of"),
        ({"delta": 1}, "unknown key 'delta'"),
        ({"variant": "l", "epsilon": 1}, "unknown key 'epsilon'"),
        ({"b": 1.1}, "'b' must be less than or equal to 1"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments: dict[str, Json], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        rank_bm25.create(arguments, Path())
    assert message in str(caught.value)
