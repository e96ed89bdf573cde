"""Records → ratings: who plays, which task counts how much, what is compared."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from rerankbench.compare.games import games_by_metric
from rerankbench.compare.rated import TaskRatings, by_name, rate
from rerankbench.compare.ratings import fit
from rerankbench.errors import UsageError
from rerankbench.types import Record

from ..leaderboard.records import first_stage_record, make_record


def _values(seed: object, queries: int = 30, steps: int = 5) -> list[float]:
    rng = random.Random(str(seed))
    return [rng.randrange(steps) / steps for _ in range(queries)]


def _record(name: str, collection: str = "scifact", **keys: object) -> Record:
    values = {"nDCG@10": _values((name, collection, keys.get("depth")))}
    return make_record(name, values, collection=collection, **keys)  # type: ignore[arg-type]


def _suite() -> list[Record]:
    return [_record(name, collection) for name in ("a", "b", "c") for collection in ("one", "two")]


def _order(records: list[Record]) -> TaskRatings:
    return rate(by_name(records))


def test_every_task_is_rated_alone_and_all_together() -> None:
    records = _suite()
    rated = _order(records)
    pools = [
        games_by_metric(
            {
                one.cell.reranker.name: one.per_query["nDCG@10"]
                for one in records
                if one.cell.collection.name == name
            },
            collection=name,
        )
        for name in ("one", "two")
    ]
    assert [task.title for task in rated.tasks] == ["one", "two"]
    assert [task.ratings for task in rated.tasks] == [fit([pool]) for pool in pools]
    assert rated.overall == fit(pools)
    assert (rated.metric, rated.margin) == ("nDCG@10", 0.0)


def test_the_order_of_records_changes_nothing() -> None:
    records = [*_suite(), _record("d", "two"), first_stage_record(0.4, collection="one")]
    expected = _order(records)
    for seed in range(5):
        shuffled = random.Random(seed).sample(records, len(records))
        assert _order(shuffled) == expected


def test_the_first_stage_plays_without_a_rank_and_bounds_do_not_play() -> None:
    bounds = [
        make_record(name, {"nDCG@10": _values(name)}, family="baseline", recipe={"order": name})
        for name in ("oracle", "random-0")
    ]
    first_stage = make_record("bm25", {"nDCG@10": _values("bm25")}, family="baseline")
    rated = _order([_record("a"), _record("b"), first_stage, *bounds])
    ranks = {one.name: one.rank for one in rated.overall.standings}
    assert ranks.pop("bm25") is None
    assert sorted(rank for rank in ranks.values() if rank is not None) == [1, 2]
    assert set(ranks) == {"a", "b"}


def test_rows_of_unlike_tasks_do_not_meet() -> None:
    shallow, deep = _record("a", depth=10), _record("b", depth=100)
    with pytest.raises(UsageError, match="no two rerankers have nDCG@10 on the same queries"):
        _order([shallow, deep])


def test_the_newest_record_of_a_task_counts() -> None:
    old = make_record("a", {"nDCG@10": [1.0, 1.0]}, started_at="2025-01-01T00:00:00+00:00")
    new = make_record("a", {"nDCG@10": [0.0, 0.0]}, started_at="2026-01-01T00:00:00+00:00")
    other = make_record("b", {"nDCG@10": [0.5, 0.5]})
    for records in ([old, new, other], [new, other, old]):
        assert _order(records).overall.standings[0].name == "b"


def test_the_parts_of_one_collection_count_as_one() -> None:
    forums = ("cqadupstack/android", "cqadupstack/english")
    rated = _order([_record(name, one) for name in "ab" for one in (*forums, "scifact")])
    assert {task.title: task.weight for task in rated.tasks} == {
        "cqadupstack/android": 0.5,
        "cqadupstack/english": 0.5,
        "scifact": 1.0,
    }


def test_two_depths_of_a_collection_count_as_one_and_are_told_apart() -> None:
    rated = _order([_record(name, depth=depth) for name in "ab" for depth in (10, 100)])
    assert {task.title: task.weight for task in rated.tasks} == {
        "scifact (depth 10)": 0.5,
        "scifact (depth 100)": 0.5,
    }


def test_added_positives_are_left_out_where_there_are_other_records() -> None:
    honest = [_record(name) for name in "ab"]
    added = [replace(one, cell=replace(one.cell, adds_positives=True)) for one in honest]
    assert _order([*honest, *added]) == _order(honest)
    assert _order(added).tasks[0].records["a"].cell.adds_positives


def test_added_positives_do_not_join_the_plain_games_of_others() -> None:
    plain = [_record(name, "one") for name in "ab"]
    added = [
        make_record(name, {"nDCG@10": _values(name)}, collection="one", adds_positives=True)
        for name in "cd"
    ]
    alone = _order(plain)
    assert _order([*plain, *added]).overall == alone.overall
    assert [task.title for task in _order([*plain, *added]).tasks] == ["one"]
    assert _order(added).overall.find("c") is not None


def test_a_task_that_nobody_else_ran_takes_no_weight_from_its_collection() -> None:
    shared = [_record(name, one) for name in "ab" for one in ("one", "two")]
    alone = _record("a", "one", depth=5)
    assert _order([*shared, alone]) == _order(shared)


def test_metrics_are_those_asked_for_or_the_headline() -> None:
    records = [
        make_record(name, {"MRR@10": [0.1, 0.2], "nDCG@10": [value, value]})
        for name, value in (("a", 0.2), ("b", 0.4))
    ]
    assert _order(records).metric == "MRR@10"
    rated = rate(by_name(records), metric="nDCG@10", margin=0.1)
    assert rated.overall.standings[0].record_text == "2W-0L-0T"
    assert rate(by_name(records), metric="nDCG@10", margin=0.2).overall.standings[0].ties == 2
    assert rate(by_name(records), metric="RR@10").metric == "MRR@10"


@pytest.mark.parametrize(
    "records",
    [[], [make_record("a")], [make_record("a"), make_record("b", {"MAP": 0.5})]],
)
def test_what_cannot_be_rated_is_said(records: list[Record]) -> None:
    with pytest.raises(UsageError, match="so none can be rated; the records hold"):
        _order(records)
