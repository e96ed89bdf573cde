"""Figures and metrics that are derived from records."""

from __future__ import annotations

import pytest

from rerankbench.errors import UsageError
from rerankbench.results.derived import choose_metric
from tests.leaderboard.records import make_record


def test_the_metric_is_the_one_asked_for_or_the_headline() -> None:
    records = [make_record("a", {"MRR@10": 0.1, "nDCG@10": 0.2}), make_record("b")]
    assert choose_metric(records, None) == "nDCG@10"
    assert choose_metric(records, "MRR@10") == "MRR@10", "one that some hold"
    with pytest.raises(UsageError, match="have no metric"):
        choose_metric([make_record("a", {})], None)


def test_the_metric_is_one_that_all_records_have() -> None:
    both = [make_record("a", {"MAP": 0.1, "nDCG@10": 0.2}), make_record("b", {"nDCG@10": 0.2})]
    assert choose_metric(both, None, all_hold_it=True) == "nDCG@10"
    assert choose_metric(both, "nDCG@10", all_hold_it=True) == "nDCG@10"
    with pytest.raises(UsageError, match="no metric 'nDCG@11' in all of these records; did you"):
        choose_metric(both, "nDCG@11", all_hold_it=True)
    with pytest.raises(UsageError, match="no metric in common"):
        choose_metric([make_record("a", {"MAP": 0.1}), make_record("b")], None, all_hold_it=True)


def test_a_metric_may_have_the_name_that_other_tools_give_it() -> None:
    values = {"MRR(rel=2)@10": 0.1, "MRR@10": 0.2, "MAP": 0.3, "own@3": 0.4}
    both = [make_record("a", values), make_record("b", values)]
    names = {
        "RR(rel=2)@10": "MRR(rel=2)@10",
        "RR(rel=1)@10": "MRR@10",
        "RR@10": "MRR@10",
        "recip_rank_10": "MRR@10",
        "AP": "MAP",
        "own@3": "own@3",
    }
    named = {name: choose_metric(both, name, all_hold_it=True) for name in names}
    assert named == names
    for unknown in ("RR(rel=3)@10", "AP(rel=2)", "RR(judged_only=True)@10"):
        with pytest.raises(UsageError, match=r"no metric '(RR|AP)\("):
            choose_metric(both, unknown, all_hold_it=True)
    at_2 = [make_record(name, {"MRR(rel=2)@10": 0.1}) for name in ("a", "b")]
    assert choose_metric(at_2, "RR@10", all_hold_it=True) == "MRR(rel=2)@10", (
        "the one level that is there"
    )
    with pytest.raises(UsageError, match=r"no metric 'RR\(rel=1\)@10'"):
        choose_metric(at_2, "RR(rel=1)@10", all_hold_it=True)
