"""Several records: the newest, their order, and what tells their tasks apart."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from rerankbench.results import grouping
from rerankbench.types import Record
from tests.leaderboard.records import make_record


def _at(day: int, name: str = "m", machine: str = "a") -> Record:
    return make_record(name, started_at=f"2026-01-0{day}T00:00:00+00:00", machine=machine)


def test_the_newest_of_each_key_counts_in_whatever_order_records_come() -> None:
    records = [_at(1), _at(2), _at(1, "n"), _at(3)]
    for shuffled in permutations(records):
        newest = grouping.newest(shuffled, lambda record: record.cell.reranker.name)
        assert newest == {"m": records[3], "n": records[2]}
        assert grouping.newest_of_all(shuffled) == records[3]


def test_a_pair_is_preferred_then_of_one_machine_then_the_newest() -> None:
    base, new = [_at(1), _at(2, machine="b")], [_at(3), _at(4, machine="c")]
    assert grouping.newest_pair(base, new) == (base[0], new[0]), "one machine"
    elsewhere = [_at(2, machine="b"), _at(1, machine="b")]
    assert grouping.newest_pair(elsewhere, new) == (elsewhere[0], new[1]), "the newest"
    wanted = grouping.newest_pair(base, new, prefer=lambda one, _: one is base[1])
    assert wanted == (base[1], new[1])


def test_equal_titles_get_the_facts_that_differ_and_others_stay() -> None:
    records = [make_record(), make_record(depth=10), make_record(collection="fiqa")]
    tasks = [record.task for record in records]
    assert grouping.distinct_titles(["t", "t", "u"], records) == [
        "t (depth 100)",
        "t (depth 10)",
        "u",
    ]
    assert grouping.distinct_titles(["", ""], records[:2]) == ["", ""], "no title, nothing to add"
    assert grouping.different_facts(tasks[:2]) == {"depth": ["10", "100"]}


def test_tasks_go_by_content_and_by_name_and_their_files_by_content_alone() -> None:
    record = make_record()
    collection = record.cell.collection
    renamed = replace(collection, name="SciFact!", split="dev")
    other = replace(record, cell=replace(record.cell, collection=renamed))
    assert record.task == make_record("another").task
    assert other.task != record.task
    assert other.task.digest == record.task.digest
    assert grouping.different_facts([record.task, other.task]) == {"split": ["dev", "test"]}
    assert record.task is record.task, "worked out once"
