"""Which records a report sets side by side."""

from __future__ import annotations

from dataclasses import replace

from rerankbench.report.boards import boards
from tests.leaderboard.records import first_stage_record, make_record


def test_records_stand_side_by_side_where_only_the_collection_differs() -> None:
    records = [
        make_record("a", collection="scifact"),
        make_record("a", collection="nfcorpus"),
        make_record("b", collection="scifact"),
        make_record("a", depth=10),
        make_record("a", sampled_queries=5),
    ]
    found = boards(records)
    assert [len(board.records) for board in found] == [3, 1, 1]
    assert [board.number for board in found] == [1, 2, 3]
    assert list(found[0].tasks.values()) == ["nfcorpus", "scifact"]
    assert {board.title for board in found} == {
        "The first 100 documents of bm25",
        "The first 10 documents of bm25",
        "The first 100 documents of bm25, 5 sampled queries",
    }


def test_boards_that_differ_in_the_first_stages_parameters_say_so() -> None:
    found = boards([make_record(), make_record(first_stage_parameters={"k1": 1.2, "b": 0.75})])
    assert {board.title for board in found} == {
        "The first 100 documents of bm25 (k1 0.9, b 0.4)",
        "The first 100 documents of bm25 (k1 1.2, b 0.75)",
    }


def test_added_positives_are_another_board_and_named() -> None:
    record = make_record()
    added = replace(record, cell=replace(record.cell, adds_positives=True))
    assert [board.title for board in boards([record, added])] == [
        "The first 100 documents of bm25",
        "The first 100 documents of bm25, missed positives added",
    ]


def test_the_newest_record_of_a_square_counts() -> None:
    old = make_record("a", suite="z", started_at="2026-01-01T00:00:00+00:00")
    new = make_record("a", suite="b", started_at="2026-02-01T00:00:00+00:00")
    for records in ([old, new], [new, old]):
        [board] = boards(records)
        assert list(board.squares.values()) == [new]
        assert list(board.only(lambda record: record is old).squares.values()) == [old]


def test_first_stages_are_found_by_task() -> None:
    base = first_stage_record(0.4)
    [board] = boards([base, make_record("a")])
    assert list(board.first_stages.values()) == [base]
    assert board.is_baseline("bm25")
    assert not board.is_baseline("a")


def test_two_versions_of_a_collection_are_two_columns_with_different_names() -> None:
    record = make_record("a")
    hashes = replace(record.cell.collection.hashes, corpus="other")
    other = replace(
        record,
        cell=replace(record.cell, collection=replace(record.cell.collection, hashes=hashes)),
    )
    dev = replace(
        record,
        cell=replace(record.cell, collection=replace(record.cell.collection, split="dev")),
    )
    [board] = boards([record, other])
    assert sorted(board.tasks.values()) == ["scifact (version 1)", "scifact (version 2)"]
    [board] = boards([record, dev])
    assert sorted(board.tasks.values()) == ["scifact (dev)", "scifact (test)"]
