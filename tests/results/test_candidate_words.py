"""How many candidates there were stands behind the depth where some query had fewer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rerankbench.results.candidate_words import shortfall
from rerankbench.results.figures import flat, summary
from rerankbench.types import CandidateCounts, CandidateLists, Candidates, Document, Query, Record
from tests.leaderboard.records import make_record


def _record(counts: tuple[int, float, int] | None, collection: str = "scifact") -> Record:
    record = make_record(collection=collection, depth=100)
    if counts is None:
        return record
    least, middle, most = counts
    return replace(record, candidates=CandidateCounts(least=least, median=middle, most=most))


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        (None, ""),
        ((100, 100.0, 100), ""),
        # Added positives come on top of the depth.
        ((100, 101.0, 104), ""),
        ((2, 2.0, 5), " (2 to 5 candidates, median 2)"),
        ((0, 2.5, 100), " (0 to 100 candidates, median 2.5)"),
        ((24, 24.0, 24), " (24 candidates)"),
        ((1, 1.0, 1), " (1 candidate)"),
        ((40, 1000.5, 1200), " (40 to 1,200 candidates, median 1,000.5)"),
    ],
)
def test_it_is_said_only_where_some_list_is_shorter(
    counts: tuple[int, float, int] | None, shown: str
) -> None:
    assert shortfall([_record(counts)]) == shown


def test_records_from_before_they_were_counted_leave_it_to_others_of_the_task() -> None:
    counted, before = _record((2, 2.0, 5)), _record(None)
    assert shortfall([before, counted]) == shortfall([counted, before]) == shortfall([counted])


def test_several_collections_have_a_range_and_no_median() -> None:
    small, full = _record((2, 2.0, 5)), _record((100, 100.0, 100), "fiqa")
    assert shortfall([small, full]) == " (2 to 100 candidates)"
    assert shortfall([full, _record(None, "nq")]) == ""


def test_figures_are_missing_in_records_from_before() -> None:
    names = ("candidates_least", "candidates_median", "candidates_most")
    counted, before = _record((2, 2.5, 5)), _record(None)
    assert [flat(counted)[name] for name in names] == [2, 2.5, 5]
    assert [flat(before)[name] for name in names] == [None, None, None]
    assert summary(counted)["candidates"] == {"least": 2, "median": 2.5, "most": 5}


@pytest.mark.parametrize(
    ("sizes", "counts"), [((3, 0, 1, 9), (0, 2.0, 9)), ((4, 4, 5), (4, 4.0, 5)), ((), None)]
)
def test_lists_are_counted_whatever_their_order(
    sizes: tuple[int, ...], counts: tuple[int, float, int] | None
) -> None:
    candidates = tuple(
        Candidates(
            query=Query(query_id=str(at), text="t"),
            documents=(Document(doc_id="d", title="", text=""),) * size,
        )
        for at, size in enumerate(sizes)
    )
    found = CandidateLists(candidates=candidates).counts
    assert (None if found is None else (found.least, found.median, found.most)) == counts
