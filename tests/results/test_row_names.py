"""Settings that tell records of one reranker apart become part of its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from rerankbench.errors import UsageError
from rerankbench.results import row_names
from rerankbench.types import Record

from ..leaderboard.records import make_record

MACHINE = "machine-a"


def _record(name: str = "tiny", *, key: str, **parts: Any) -> Record:
    """A record with parts of its reranker, its engine and its environment changed."""
    collection, machine = parts.pop("collection", "scifact"), parts.pop("machine", MACHINE)
    record = make_record(name, collection=collection, machine=machine)
    reranker, engine = record.cell.reranker, record.cell.engine
    for part, value in parts.items():
        if hasattr(reranker, part):
            reranker = replace(reranker, **{part: value})
        else:
            engine = replace(engine, **{part: value})
    cell = replace(record.cell, reranker=reranker, engine=engine)
    return replace(record, cell=cell, quality_key=key, speed_key=key)


def _names(records: Sequence[Record]) -> list[str]:
    return [record.cell.reranker.name for record in row_names.tell_apart(records)]


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        ({"max_length": 512}, {"max_length": 32}, ["tiny · 512 tokens", "tiny · 32 tokens"]),
        ({"dtype": "float32"}, {"dtype": "bfloat16"}, ["tiny · float32", "tiny · bfloat16"]),
        ({"engine": "native"}, {"engine": "onnx"}, ["tiny · native", "tiny · onnx"]),
        ({"device": "cpu"}, {"device": "cuda"}, ["tiny · cpu", "tiny · cuda"]),
        ({"threads": 1}, {"threads": 2}, ["tiny · 1 thread", "tiny · 2 threads"]),
        (
            {"recipe": {"query_prompt": "search: ", "score": "logit0"}},
            {"recipe": {"query_prompt": "", "score": "logit0"}},
            ["tiny · query prompt search:", "tiny · query prompt empty"],
        ),
        # What is told apart already needs no second setting.
        (
            {"dtype": "int8", "batch_tokens": 1},
            {"dtype": "float32", "batch_tokens": 512},
            ["tiny · int8", "tiny · float32"],
        ),
    ],
)
def test_a_setting_that_differs_is_part_of_both_names(
    first: dict[str, Any], second: dict[str, Any], names: list[str]
) -> None:
    assert _names([_record(key="1", **first), _record(key="2", **second)]) == names


def test_three_records_need_two_settings() -> None:
    records = [
        _record(key="1", dtype="float32", max_length=512),
        _record(key="2", dtype="bfloat16", max_length=512),
        _record(key="3", dtype="float32", max_length=32),
    ]
    assert _names(records) == [
        "tiny · float32 · 512 tokens",
        "tiny · bfloat16 · 512 tokens",
        "tiny · float32 · 32 tokens",
    ]


def test_one_record_a_task_keeps_its_name_whatever_its_settings() -> None:
    records = [
        _record(key="1", dtype="float32"),
        _record(key="2", dtype="bfloat16", collection="fiqa"),
        _record("other", key="3", dtype="float16"),
    ]
    assert _names(records) == ["tiny", "tiny", "other"]


def test_a_name_is_the_same_on_every_collection() -> None:
    records = [
        _record(key="1", max_length=512),
        _record(key="2", max_length=32),
        _record(key="3", max_length=32, collection="fiqa"),
    ]
    assert _names(records) == ["tiny · 512 tokens", "tiny · 32 tokens", "tiny · 32 tokens"]


def test_the_same_cell_measured_twice_is_one_row() -> None:
    again = replace(_record(key="1"), started_at="2027-01-01T00:00:00+00:00")
    assert _names([_record(key="1"), again]) == ["tiny", "tiny"]


def test_only_the_less_usual_machine_is_named() -> None:
    records = [
        _record(key="1"),
        _record(key="2", machine="machine-b"),
        _record(key="3", collection="fiqa"),
    ]
    assert _names(records) == ["tiny", "tiny · machine machine-b", "tiny"]


def test_first_stage_and_oracle_have_no_settings() -> None:
    records = [
        _record(role, key=machine, machine=machine, role=role)
        for role in ("first-stage", "oracle", "random")
        for machine in "ab"
    ]
    assert set(_names(records)) == {"first-stage", "oracle", "random"}


def test_a_name_without_its_settings_is_answered_with_the_full_ones() -> None:
    records = row_names.tell_apart(
        [_record(key="1", max_length=512), _record(key="2", max_length=32)]
    )
    with pytest.raises(UsageError) as caught:
        row_names.check(["tiny"], records)
    assert str(caught.value) == (
        "'tiny' was run with several settings; name one of 'tiny · 32 tokens', 'tiny · 512 tokens'"
    )
    row_names.check(["tiny · 32 tokens"], records)
    assert row_names.without_settings("tiny · 32 tokens") == "tiny"
