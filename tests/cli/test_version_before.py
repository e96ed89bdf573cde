"""What the version before left behind is read as before: the same records, figures and scores."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rerankbench.results.store import read_record
from rerankbench.run import environment

from .conftest import Command

BEFORE = Path(__file__).parent.parent / "data" / "version_0_1"


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def on_that_machine(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line on the machine, with the packages, of the version before."""
    record = read_record(min((BEFORE / "timed" / "records").iterdir()))
    monkeypatch.setattr(environment, "inspect", lambda: record.environment)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    return command


def _expected(name: str) -> Any:
    return json.loads((BEFORE / "expected" / name).read_text())


def _agrees(value: Any, before: Any) -> bool:
    """Whether a value holds all that it held before; mappings may have new keys."""
    if isinstance(before, Mapping):
        return all(key in value and _agrees(value[key], before[key]) for key in before)
    if isinstance(before, list):
        return len(value) == len(before) and all(map(_agrees, value, before))
    return bool(value == before)


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_records_give_the_same_figures(command: Command) -> None:
    done = command("leaderboard", BEFORE / "quality", BEFORE / "timed", "--format", "json")
    assert done.code == 0, done.err
    assert _agrees(json.loads(done.out), _expected("leaderboard.json"))


def _cells(page: str) -> list[list[str]]:
    """The rows of the tables above the notes, without what only aligns them."""
    rows = [line.split("|") for line in page.partition("\n- ")[0].splitlines()]
    return [[cell.strip(" -:") for cell in row] for row in rows]


def test_a_layout_gives_the_same_table(command: Command) -> None:
    layout = ("--layout", BEFORE / "layout.yaml")
    done = command("leaderboard", BEFORE / "quality", *layout)
    assert done.code == 0, done.err
    before = (BEFORE / "expected" / "layout.md").read_text()
    # One head was renamed since.
    assert _cells(done.out) == _cells(before.replace("Parameters", "Params"))


def test_a_baseline_shows_and_gates_the_same(command: Command) -> None:
    shown = command(
        "baseline", "show", "kept", "--folder", BEFORE / "baselines", "--format", "json"
    )
    assert _agrees(json.loads(shown.out), _expected("baseline.json")), shown.err
    done = command("gate", BEFORE / "baselines" / "kept", BEFORE / "quality", "--format", "json")
    assert done.code == 0, done.err
    gate, before = json.loads(done.out), _expected("gate.json")
    assert gate["conclusion"] == before["conclusion"]
    facts = ("name", "metric", "margin", "outcome", "queries", "base", "new")
    # What was a drop then is a difference now, of the other sign.
    quality = [
        {fact: cell[fact] for fact in facts} | {"difference": -cell["drop"]}
        for cell in before["quality"]
    ]
    assert _agrees(gate["quality"], quality)


@pytest.mark.parametrize("suite", ["quality", "timed"])
def test_finished_cells_are_not_run_again(on_that_machine: Command, suite: str) -> None:
    shutil.copytree(BEFORE / suite, Path("results") / suite)
    before = _contents(Path("results"))
    options: dict[str, list[object]] = {
        "quality": [BEFORE / "config.yaml"],
        "timed": [
            *("-d", "demo", "-m", "demo-cross-encoder", "--suite", "timed"),
            *("--limit-queries", 4, "-k", 10, "--device", "cpu"),
            *("--engine", "torch", "--dtype", "float32"),
        ],
    }
    done = on_that_machine("run", *options[suite])
    assert done.code == 0, done.err
    assert "cells are finished" in done.err
    assert _contents(Path("results")) == before


def test_an_interrupted_cell_is_resumed_and_gets_the_figures_of_an_unbroken_one(
    on_that_machine: Command, own_cache: Path
) -> None:
    journal = BEFORE / "interrupted" / "scores.jsonl"
    key = json.loads(journal.read_text().splitlines()[0])["cell"]
    work = own_cache / "work" / key
    work.mkdir(parents=True)
    shutil.copy(journal, work / "scores.jsonl")
    done = on_that_machine("run", BEFORE / "interrupted" / "config.yaml")
    assert done.code == 0, done.err
    assert "78 of 128 pairs were scored before" in " ".join(done.err.split())
    records = Path("results") / "interrupted" / "records"
    for path in (BEFORE / "interrupted" / "records").iterdir():
        before, record = read_record(path), read_record(records / path.name)
        assert record.cell == before.cell
        assert record.per_query.keys() == before.per_query.keys()
        for metric, values in before.per_query.items():
            assert record.per_query[metric] == pytest.approx(values), metric
