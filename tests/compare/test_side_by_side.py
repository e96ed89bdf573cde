"""Two records of one task read side by side, against scipy and plain arithmetic."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest
from scipy import stats

from rerankbench.compare.pairs import pair_rerankers
from rerankbench.compare.side_by_side import Comparison, RankedDocument, compare
from rerankbench.errors import UsageError
from rerankbench.registry.naming import open_collection
from rerankbench.results.find_texts import CollectionFinder
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.types import Record
from tests import tiny
from tests.compare.suites import topic, write_cell, write_topics
from tests.leaderboard.records import make_record


def _compare(a: Record, b: Record, queries: int = 0) -> Comparison:
    names = a.cell.reranker.name, b.cell.reranker.name
    pairs = pair_rerankers(RecordSet([a, b]), *names).pairs
    (found,) = compare(pairs, "nDCG@10", queries=queries)
    return found


def _values(seed: int, count: int) -> list[float]:
    numbers = random.Random(seed)
    return [round(numbers.random(), 2) for _ in range(count)]


def test_figures_are_those_of_scipy_and_plain_arithmetic() -> None:
    values_a, values_b = _values(1, 9), _values(2, 9)
    found = _compare(
        make_record("a", {"nDCG@10": values_a}), make_record("b", {"nDCG@10": values_b})
    )
    apart = [y - x for x, y in zip(values_a, values_b, strict=True)]
    assert found.difference == pytest.approx(fmean(values_b) - fmean(values_a))
    assert found.wins == sum(each > 1e-9 for each in apart)
    assert found.losses == sum(each < -1e-9 for each in apart)
    assert found.queries == 9
    assert found.effect_size == pytest.approx(fmean(apart) / stdev(apart))
    exact = stats.permutation_test(
        (values_a, values_b),
        lambda x, y: fmean(y) - fmean(x),
        permutation_type="samples",
        n_resamples=10**6,
    )
    assert found.p == pytest.approx(exact.pvalue)
    assert found.interval.low < found.difference < found.interval.high


def test_several_comparisons_are_adjusted_together() -> None:
    records = [
        make_record(name, {"nDCG@10": _values(seed, 30)}, collection=collection)
        for seed, (name, collection) in enumerate(
            (name, collection) for name in "ab" for collection in ("nq", "scifact", "fiqa")
        )
    ]
    found = compare(pair_rerankers(RecordSet(records), "a", "b").pairs, "nDCG@10", queries=0)
    raw = sorted(each.p for each in found)
    stepped = [min(1, (3 - at) * p) for at, p in enumerate(raw)]
    assert sorted(each.p_holm for each in found) == pytest.approx(
        [max(stepped[: at + 1]) for at in range(3)]
    )


def test_values_that_differ_by_rounding_are_ties() -> None:
    found = _compare(
        make_record("a", {"nDCG@10": [0.3, 0.5, 0.5]}),
        make_record("b", {"nDCG@10": [0.1 + 0.2, 0.5, 0.6]}),
        queries=9,
    )
    assert (found.wins, found.losses, found.ties) == (1, 0, 2)
    assert [query.query_id for query in found.differing] == ["q2"]


def test_speeds_stand_side_by_side_on_one_machine_and_device_only() -> None:
    timed = make_record("a", docs_per_s=100, requests_s=(0.1, 0.2, 0.3))
    other = make_record("b", docs_per_s=200, requests_s=(0.05,))
    found = _compare(timed, other)
    assert found.speeds is not None and not found.no_speeds
    assert found.speeds.docs_per_s == (100, 200)
    assert found.speeds.p50_ms == pytest.approx((200, 50))
    for elsewhere in (
        make_record("b", docs_per_s=200, machine="machine-b"),
        make_record("b", docs_per_s=200, device="cuda", gpu="GPU"),
    ):
        found = _compare(timed, elsewhere)
        assert found.speeds is None
        assert found.no_speeds.startswith("speeds compare only on one machine and device: A ran")
    assert _compare(timed, make_record("b")).no_speeds == "speed was not measured for both"


def test_the_queries_that_differ_most_come_first_with_what_each_ranked(tmp_path: Path) -> None:
    a = make_record("a", {"nDCG@10": [0.0, 0.5, 1.0, 0.2, 0.5]})
    b = make_record("b", {"nDCG@10": [0.9, 0.5, 0.0, 0.3, 0.6]})
    write_cell(tmp_path, a, {"q0": ["d1", "d2", "d3", "d4"], "q2": ["d1"]})
    write_cell(tmp_path, b, {"q0": ["d4", "d2"], "q3": ["d1"]})
    topics = [topic("q0", "first?", {"d4": 2, "d2": 0}, ["d1", "d2", "d3", "d4"]), topic("q2")]
    write_topics(tmp_path, a, topics)
    pairs = pair_rerankers(open_archive([tmp_path]), "a", "b").pairs
    (found,) = compare(pairs, "nDCG@10", queries=2)
    assert [(each.query_id, each.a, each.b) for each in found.differing] == [
        ("q2", 1.0, 0.0),
        ("q0", 0.0, 0.9),
    ]
    q2, q0 = found.differing
    assert q0.text == "first?"
    assert q0.first_a == (
        RankedDocument(doc_id="d1", grade=None, first_stage_rank=1),
        RankedDocument(doc_id="d2", grade=0, first_stage_rank=2),
        RankedDocument(doc_id="d3", grade=None, first_stage_rank=3),
    )
    assert q0.first_b is not None and q0.first_b[0] == RankedDocument(
        doc_id="d4", grade=2, first_stage_rank=4
    )
    assert q2.first_b == (), "b ranked nothing for it"
    assert found.notes == ()
    (four,) = compare(pairs, "nDCG@10", queries=9)
    assert [each.query_id for each in four.differing] == ["q2", "q0", "q3", "q4"]
    assert not four.differing[2].judged


def test_what_is_missing_beside_the_records_is_told_with_a_way_to_get_it(tmp_path: Path) -> None:
    a, b = make_record("a", {"nDCG@10": [0.0]}), make_record("b", {"nDCG@10": [1.0]})
    write_cell(tmp_path, a, {"q0": ["d1"]})
    write_cell(tmp_path, b)
    pairs = pair_rerankers(open_archive([tmp_path]), "a", "b").pairs
    (found,) = compare(pairs, "nDCG@10", queries=1)
    (query,) = found.differing
    assert (query.text, query.judged, query.first_b) == (None, False, None)
    assert query.first_a == (RankedDocument(doc_id="d1", grade=None, first_stage_rank=None),)
    no_task, no_run = found.notes
    assert "judgments is missing: `rerankbench run`" in no_task
    assert no_run.startswith("the run file of b is missing") and "--fresh" in no_run
    write_topics(tmp_path, a, [topic("q0", None, {"d1": 0})])
    (found,) = compare(
        pair_rerankers(open_archive([tmp_path]), "a", "b").pairs, "nDCG@10", queries=1
    )
    assert found.notes[0] == "the run was told not to keep query texts"
    assert found.differing[0].judged


def test_records_with_other_queries_are_refused() -> None:
    with pytest.raises(UsageError, match="a and b do not hold the same queries of scifact"):
        _compare(make_record("a", {"nDCG@10": [1.0]}), make_record("b", {"nDCG@10": [1.0, 0.5]}))


def test_texts_come_from_the_collection_only_while_its_content_is_the_same(
    tmp_path: Path,
) -> None:
    folder = tiny.write_collection(tmp_path / "small")
    collection = open_collection(str(folder))
    ids = [document.doc_id for document in collection.documents()][:2]

    def made(name: str, value: float) -> Record:
        record = make_record(name, {"nDCG@10": [value]}, collection="small")
        ref = replace(
            record.cell.collection, hashes=collection.hashes(), source="small", split="test"
        )
        return replace(record, cell=replace(record.cell, collection=ref))

    results = tmp_path / "results"
    write_cell(results, made("a", 0.0), {"q0": ids})
    write_cell(results, made("b", 1.0), {"q0": [*reversed(ids), "gone"]})
    pairs = pair_rerankers(open_archive([results]), "a", "b").pairs
    (found,) = compare(pairs, "nDCG@10", queries=1, library=CollectionFinder([str(folder)]))
    assert dict(found.documents) == dict(collection.lookup(ids))
    with (folder / "corpus.jsonl").open("a") as handle:
        handle.write('{"_id": "more", "title": "", "text": "text"}\n')
    (found,) = compare(pairs, "nDCG@10", queries=1, library=CollectionFinder([str(folder)]))
    assert found.documents == {}
    assert "has other texts or judgments than the record's" in found.notes[-1]
    assert "--dataset" in found.notes[-1]
