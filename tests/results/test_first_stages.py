"""First stages are called by their names, and by what differs where names are equal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rerankbench.results import first_stages, grouping, row_names
from rerankbench.types import FirstStageRef, Record

from ..leaderboard.records import make_record


def _record(stage: str, parameters: dict[str, Any], collection: str = "scifact") -> Record:
    record = make_record("bm25", collection=collection)
    reranker = replace(record.cell.reranker, role="first-stage", name="first stage")
    if stage == "bm25":
        reranker = replace(reranker, name="bm25")
    first_stage = FirstStageRef(name=stage, parameters=parameters)
    return replace(record, cell=replace(record.cell, first_stage=first_stage, reranker=reranker))


def _titles(*records: Record) -> list[str]:
    titles = first_stages.titles(records)
    return [titles[record.task] for record in records]


def test_bm25_with_other_parameters_says_which() -> None:
    usual = _record("bm25", {"k1": 0.9, "b": 0.4, "analyzer": "lucene-english/1"})
    other = _record("bm25", {"k1": 1.2, "b": 0.75, "analyzer": "lucene-english/1"})
    assert _titles(usual) == _titles(other) == ["bm25"]
    assert _titles(usual, other) == ["bm25 (k1 0.9, b 0.4)", "bm25 (k1 1.2, b 0.75)"]


def test_a_run_file_is_called_by_its_name_without_the_collections() -> None:
    runs = [
        _record("run", {"file": f"splade-{name}.trec.gz", "sha256": name * 3}, name)
        for name in ("scifact", "fiqa")
    ]
    tfidf = _record("run", {"file": "tfidf.trec", "sha256": "ab" * 32})
    assert _titles(*runs, tfidf) == ["splade", "splade", "tfidf"]


def test_two_run_files_of_one_name_are_told_apart_by_their_contents() -> None:
    one, two = (_record("run", {"file": "a.trec", "sha256": f"{at}" * 64}) for at in (1, 2))
    assert _titles(one, two) == ["a (file 1111111)", "a (file 2222222)"]


def test_a_parameter_that_only_one_has_is_unset_in_the_other() -> None:
    plain, own = _record("own", {}), _record("own", {"flavour": "x" * 40})
    assert _titles(plain, own) == ["own (flavour unset)", f"own (flavour {'x' * 24}…)"]


def test_the_row_of_a_first_stage_is_called_as_headings_call_it() -> None:
    records = [
        _record("run", {"file": "splade.trec", "sha256": "ab" * 32}),
        _record("bm25", {"k1": 0.9}),
        _record("bm25", {"k1": 1.2}),
    ]
    names = [record.cell.reranker.name for record in row_names.tell_apart(records)]
    assert names == ["splade", "bm25 (k1 0.9)", "bm25 (k1 1.2)"]


def test_equal_headings_are_told_apart_by_the_first_stage_in_words() -> None:
    records = [_record("bm25", {"k1": 0.9}), _record("bm25", {"k1": 1.2})]
    assert grouping.distinct_titles(["t", "t"], records) == [
        "t (bm25 (k1 0.9))",
        "t (bm25 (k1 1.2))",
    ]
