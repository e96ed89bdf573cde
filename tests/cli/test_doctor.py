from __future__ import annotations

import json
from pathlib import Path

import pytest

from .. import tiny
from .conftest import Command


def test_the_machine_is_shown(command: Command) -> None:
    found = command("doctor")
    assert found.code == 0
    for word in ("processor", "memory", "products", "GFLOP/s", "engine native", "caches"):
        assert word in found.out
    assert max(map(len, found.out.splitlines())) <= 80


def test_the_machine_as_json(command: Command) -> None:
    facts = json.loads(command("doctor", "--format", "json").out)["facts"]
    assert facts["engine torch"] == "runs"
    assert "torch" in facts["packages"]


def test_an_untrained_model_fails_the_order_and_nothing_else(
    command: Command, tmp_path: Path
) -> None:
    folder = tiny.build(tmp_path / "model")
    found = command("doctor", str(folder), "--format", "json")
    whole = json.loads(found.out)
    outcomes = {check["name"]: check["outcome"] for check in whole["checks"]}
    assert found.code == 1
    assert outcomes["order"] == "fail"
    assert outcomes["batch size"] == outcomes["padding"] == "pass"
    assert outcomes["sentence-transformers"] in ("pass", "skip")
    assert whole["facts"]["family"] == "sequence-classification"
    assert whole["facts"]["labels"] == "LABEL_0"
    assert whole["facts"]["tokeniser"].startswith("BertTokenizer, ")
    assert whole["facts"]["limit"] == f"{tiny.MAX_LENGTH:,} tokens a pair"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["minilm-l6-ce", "tiny-l2-h128-ce"])
def test_a_trained_model_passes(command: Command, shared: Path, name: str) -> None:
    found = command("doctor", str(shared / "models" / name))
    assert found.code == 0, found.out
    assert "fail" not in found.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere/"], "nowhere/"),
        (["bm25"], "bm25 is not a model"),
        (["--format", "xml"], "no format 'xml'"),
        (["--engine", "tensorrt", "demo-cross-encoder"], "no engine 'tensorrt'"),
    ],
)
def test_bad_input_is_one_line(command: Command, arguments: list[str], message: str) -> None:
    found = command("doctor", *arguments)
    assert found.code == 2
    assert message in found.err
    assert "Traceback" not in found.err
