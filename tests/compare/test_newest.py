"""Which records are read one by one."""

from __future__ import annotations

import pytest

from rerankbench.compare.newest import chosen
from rerankbench.errors import UsageError
from tests.leaderboard.records import first_stage_record, make_record


def test_the_newest_record_of_each_model_and_task_counts() -> None:
    old = make_record("m", started_at="2026-01-01T00:00:00+00:00")
    new = make_record("m", started_at="2026-02-01T00:00:00+00:00")
    elsewhere = make_record("m", collection="arguana")
    for records in ([old, new, elsewhere], [elsewhere, new, old]):
        assert chosen(records) == [elsewhere, new]


def test_baselines_count_where_named() -> None:
    records = [make_record("a"), make_record("b"), first_stage_record(0.3)]
    assert [one.cell.reranker.name for one in chosen(records)] == ["a", "b"]
    assert [one.cell.reranker.name for one in chosen(records, ["bm25", "b"])] == ["b", "bm25"]
    with pytest.raises(UsageError, match="no model in these records"):
        chosen([first_stage_record(0.3)])
    with pytest.raises(UsageError, match="no reranker 'c' in these records; known: a, b, bm25"):
        chosen(records, ["a", "c"])
