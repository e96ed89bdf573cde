"""Slices, against numpy.polyfit and counts by hand."""

from __future__ import annotations

import random
from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.compare.slices import Bin, Slices, slices
from rerankbench.errors import UsageError
from rerankbench.results.tasks import Topic
from rerankbench.stats.paired import bootstrap_interval
from tests.compare.cases import task, topic


def with_words(words: list[int]) -> list[Topic]:
    return [topic(f"q{at:03}", {"a": 1}, ["a"], words=each) for at, each in enumerate(words)]


def sliced(topics: list[Topic], by: str, *, degree: int = 2) -> Slices:
    """Random values, so that no two bins have the same figures."""
    generator = random.Random(3)
    values = {each.query_id: generator.random() for each in topics}
    base = {each.query_id: generator.random() for each in topics}
    return slices(task(*topics), values, base, by, degree=degree)


def counts(found: Slices) -> dict[str, int]:
    return {each.label: each.queries for each in found.bins}


def test_a_bin_has_the_means_and_the_interval_of_its_queries() -> None:
    topics = [topic(f"q{at}", {"a": 1}, ["a"]) for at in range(6)]
    values = {f"q{at}": at / 10 for at in range(6)}
    base = {f"q{at}": 0.1 for at in range(6)}
    (only,) = slices(task(*topics), values, base, "relevant").bins
    deltas = [values[each] - base[each] for each in values]
    assert only == Bin(
        label="1",
        queries=6,
        model=fmean(values.values()),
        base=fmean(base.values()),
        delta=fmean(deltas),
        interval=bootstrap_interval(deltas),
    )
    assert not only.small


def test_a_small_bin_is_marked_and_has_no_interval() -> None:
    found = sliced(with_words([3] * 4), "query-length")
    assert [each.small for each in found.bins] == [True]
    assert found.bins[0].interval is None
    found = sliced(with_words([3] * 5), "query-length")
    assert [each.small for each in found.bins] == [False]
    assert found.bins[0].interval is not None


@settings(max_examples=50)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_every_query_is_in_one_bin_or_left_out(words: list[int]) -> None:
    found = sliced(with_words(words), "query-length")
    assert sum(each.queries for each in found.bins) + found.left_out == len(words)
    assert found.left_out == words.count(0)
    assert len(found.bins) <= 4


def test_quarters_hold_as_many_queries_and_never_part_equals() -> None:
    assert counts(sliced(with_words(list(range(1, 13))), "query-length")) == {
        "1–3 words": 3,
        "4–6 words": 3,
        "7–9 words": 3,
        "10–12 words": 3,
    }
    assert counts(sliced(with_words([2, 2, 2, 2, 2, 2, 7, 9]), "query-length")) == {
        "2 words": 6,
        "7–9 words": 2,
    }


@settings(max_examples=50)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=60), st.integers(1, 3))
def test_points_and_polynomial_are_those_of_polyfit(words: list[int], degree: int) -> None:
    topics = with_words(words)
    generator = random.Random(7)
    values = {each.query_id: generator.random() for each in topics}
    base = {each.query_id: generator.random() for each in topics}
    found = slices(task(*topics), values, base, "query-length", degree=degree)
    lengths = sorted(set(words))
    means = [
        fmean(
            values[each.query_id] - base[each.query_id] for each in topics if each.words == length
        )
        for length in lengths
    ]
    assert [point.words for point in found.points] == lengths
    assert [point.delta for point in found.points] == pytest.approx(means)
    assert [point.queries for point in found.points] == [Counter(words)[w] for w in lengths]
    if len(lengths) == 1:
        assert found.coefficients == ()
        assert found.points[0].fitted is None
        return
    expected = np.polyfit(lengths, means, min(degree, len(lengths) - 1))
    assert list(reversed(found.coefficients)) == pytest.approx(expected.tolist(), abs=1e-6)
    fitted = np.polyval(expected, lengths).tolist()
    assert [point.fitted for point in found.points] == pytest.approx(fitted, abs=1e-6)


def test_a_query_without_text_is_no_point() -> None:
    found = sliced(with_words([0, 0, 1, 2]), "query-length")
    assert [point.words for point in found.points] == [1, 2]


def test_only_query_length_has_points() -> None:
    found = sliced(with_words([1, 2, 3]), "relevant")
    assert found.points == () and found.coefficients == ()


def test_documents_count_by_their_mean_length() -> None:
    topics = [
        topic("a", {}, ["x", "y"], document_words=[10, 30]),
        topic("b", {}, ["x", "y"], document_words=[90, 110]),
        topic("none", {}, []),
    ]
    found = sliced(topics, "document-length")
    assert counts(found) == {"20 words": 1, "100 words": 1}
    assert found.left_out == 1


def test_bins_that_look_alike_are_one() -> None:
    topics = [
        topic(str(at), {}, ["x", "y"], document_words=[100, 100 + at % 2]) for at in range(8)
    ]
    assert counts(sliced(topics, "document-length")) == {"100 words": 8}


def test_relevant_documents_are_counted_whether_retrieved_or_not() -> None:
    sizes = [0, 1, 2, 3, 5, 6, 20, 21, 90]
    topics = [
        topic(f"q{size}", {"n": 0, "o": -1} | {f"d{at}": 1 + at % 2 for at in range(size)}, [])
        for size in sizes
    ]
    expected = {"none": 1, "1": 1, "2": 1, "3–5": 2, "6–20": 2, "21+": 2}
    assert counts(sliced(topics, "relevant")) == expected
    assert list(counts(sliced(topics, "relevant"))) == list(expected)


def test_the_highest_grade_parts_queries() -> None:
    topics = [
        topic("a", {"x": 2, "y": 1}, []),
        topic("b", {"x": 1}, []),
        topic("c", {"x": 0, "y": -1}, []),
        topic("d", {"x": 2}, []),
        topic("e", {}, []),
    ]
    found = sliced(topics, "grade")
    assert list(counts(found).items()) == [("grade 0", 1), ("grade 1", 1), ("grade 2", 2)]
    assert found.left_out == 1


def test_first_stage_success_is_the_rank_of_the_first_relevant_document() -> None:
    names = [f"d{at}" for at in range(1, 21)]
    ranks = {"d1": "rank 1", "d2": "rank 2–10", "d10": "rank 2–10", "d11": "rank 11+"}
    topics = [topic(doc_id, {doc_id: 1, "d20": 2, "d0": 0}, names) for doc_id in ranks]
    topics += [topic("missed", {"x": 1, "d1": 0}, names), topic("without", {"d1": 0}, names)]
    found = sliced(topics, "first-stage")
    assert counts(found) == {"rank 1": 1, "rank 2–10": 2, "rank 11+": 1, "not found": 1}
    assert found.left_out == 1


def test_queries_that_one_side_lacks_do_not_count() -> None:
    topics = with_words([1, 2, 3])
    found = slices(task(*topics), {"q000": 0.5, "q001": 1.0}, {"q001": 0.0, "q002": 1.0}, "grade")
    assert [(each.queries, each.delta) for each in found.bins] == [(1, 1.0)]
    assert found.left_out == 0


def test_an_unknown_fact_is_named_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean 'query-length'\?"):
        slices(task(), {}, {}, "query-lenght")


def test_what_is_relevant_goes_by_the_level() -> None:
    one = task(topic("q", {"a": 1, "b": 2, "c": 2, "d": 0}, ["a", "d", "b"]))
    labels = {
        (by, level): [
            each.label for each in slices(one, {"q": 1.0}, {"q": 0.0}, by, level=level).bins
        ]
        for by in ("relevant", "first-stage")
        for level in (1, 2, 3)
    }
    assert labels == {
        ("relevant", 1): ["3–5"],
        ("relevant", 2): ["2"],
        ("relevant", 3): ["none"],
        ("first-stage", 1): ["rank 1"],
        ("first-stage", 2): ["rank 2–10"],
        ("first-stage", 3): [],
    }
