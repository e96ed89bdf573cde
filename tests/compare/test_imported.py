"""An imported row beside another: what the order of ties may do to the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from rerankbench.compare.pairs import pair_rerankers
from rerankbench.compare.side_by_side import compare
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.store import Store, run_sha256
from rerankbench.types import Hit, Ranking, Record, Ties
from tests.compare.suites import topic, write_topics
from tests.leaderboard.records import make_record

GRADES = {"q0": {"a": 1}, "q1": {"a": 1}}
TIED = {"a": 1.0, "b": 1.0}
SECOND = {"a": 1.0, "b": 2.0}


def _write(
    results: Path, name: str, scores: Mapping[str, float], value: float, *, family: str
) -> Record:
    """A record of two queries that both have these scores, and their MRR."""
    rankings = [
        Ranking.sort(query, (Hit(doc_id=doc, score=score) for doc, score in scores.items()))
        for query in GRADES
    ]
    record = make_record(name, {"MRR@10": [value, value]}, family=family)
    record = replace(record, quality_key=name, run_sha256=run_sha256(rankings))
    Store(results=results, suite=record.suite).write(record, rankings)
    write_topics(results, record, [topic(query, "?", each) for query, each in GRADES.items()])
    return record


def _notes(results: Path, metric: str = "MRR@10") -> tuple[str, ...]:
    pairs = pair_rerankers(open_archive([results]), "ours", "theirs").pairs
    (found,) = compare(pairs, metric, queries=0)
    return found.notes


def test_ties_of_an_imported_run_are_told_of_with_what_they_can_do(tmp_path: Path) -> None:
    """Of two tied documents the relevant one is first or second: 1 or 1/2, beside 1/2."""
    _write(tmp_path, "ours", SECOND, 0.5, family="sequence-classification")
    _write(tmp_path, "theirs", TIED, 0.5, family="imported")
    assert _notes(tmp_path) == (
        "theirs (an imported run): 100.0% of neighbouring scores tie; MRR@10 is between 0.5000 "
        "and 1.0000 depending on how ties are ordered",
    )


def test_it_is_said_where_ties_decide_who_is_ahead(tmp_path: Path) -> None:
    _write(tmp_path, "ours", TIED, 0.5, family="sequence-classification")
    _write(tmp_path, "theirs", TIED, 0.5, family="imported")
    ours, theirs, ahead = _notes(tmp_path)
    assert ours.startswith("ours (ranked here): 100.0% of neighbouring scores tie")
    assert theirs.startswith("theirs (an imported run)")
    assert ahead == "which of the two has the higher MRR@10 depends on the order of ties"


@pytest.mark.parametrize(
    ("scores", "family"), [(TIED, "sequence-classification"), (SECOND, "imported")]
)
def test_there_is_nothing_to_say_of_rankings_made_here_or_without_ties(
    tmp_path: Path, scores: Mapping[str, float], family: str
) -> None:
    _write(tmp_path, "ours", SECOND, 0.5, family="sequence-classification")
    _write(tmp_path, "theirs", scores, 0.5, family=family)
    assert _notes(tmp_path) == ()


def test_without_its_run_the_record_tells_of_its_headline_alone() -> None:
    ties = Ties(rate=0.25, worst=0.4, best=0.7)
    metrics = {"nDCG@10": [0.5, 0.5], "MRR@10": [0.5, 0.5]}
    records = [
        make_record("ours", metrics),
        replace(make_record("theirs", metrics, family="imported"), ties=ties),
    ]
    pairs = pair_rerankers(RecordSet(records), "ours", "theirs").pairs
    (headline,) = compare(pairs, "nDCG@10", queries=0)
    assert headline.notes == (
        "theirs (an imported run): 25.0% of neighbouring scores tie; nDCG@10 is between 0.4000 "
        "and 0.7000 depending on how ties are ordered",
        "which of the two has the higher nDCG@10 depends on the order of ties",
    )
    (other,) = compare(pairs, "MRR@10", queries=0)
    assert other.notes == ()
