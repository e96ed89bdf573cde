"""`rerankbench baseline`, and `gate` by a baseline's name."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from rerankbench.results.store import Store, read_records
from rerankbench.types import Record

from ..gate.records import record
from .conftest import Command

GOOD = [0.9, 0.8, 0.7, 0.9, 0.8, 0.6, 0.7, 0.9]
BAD = [value - 0.5 for value in GOOD]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(results: str, *records: Record) -> None:
    shutil.rmtree(results, ignore_errors=True)
    for each in records:
        Store(results=Path(results), suite="suite").write(each, ())


def test_saved_shown_and_gated_by_name(command: Command) -> None:
    _write("results", record(GOOD))
    done = command("baseline", "save", "main")
    assert done.code == 0, done.err
    assert done.out == ""
    assert command("baseline", "save", "main").code == 2
    shown = command("baseline", "show").out
    assert "### main" in shown
    assert "0.7875" in shown
    _write("now", record(GOOD))
    assert command("gate", "main", "now").code == 0
    _write("now", record(BAD))
    assert command("gate", "main", "now").code == 3


def test_a_baseline_is_no_new_result(command: Command) -> None:
    """A cell that did not run must not be answered for by the baseline itself."""
    _write("results", record(GOOD, "one"), record(GOOD, "two"))
    command("baseline", "save", "main")
    shutil.rmtree("results/suite")
    assert command("gate", "main", "results").code == 2
    Store(results=Path("results"), suite="suite").write(record(GOOD, "one"), ())
    done = command("gate", "main", "results")
    assert done.code == 3
    assert "missing in the new results: scifact/test · bm25 top-100 · two" in " ".join(
        done.out.split()
    )


def test_an_unknown_name_gets_the_nearest(command: Command) -> None:
    _write("results", record(GOOD))
    command("baseline", "save", "main")
    for done in (command("gate", "mian", "results"), command("baseline", "show", "mian")):
        assert done.code == 2
        assert "did you mean 'main'?" in done.err


def test_json_holds_what_the_leaderboard_says_of_each_record(command: Command) -> None:
    _write("results", record(GOOD))
    command("baseline", "save", "main")
    shown = json.loads(command("baseline", "show", "--format", "json").out)
    rows = json.loads(command("leaderboard", "results/suite", "--format", "json").out)
    assert shown == [{"name": "main", "records": rows}]
    assert command("baseline", "show", "--format", "yaml").code == 2


def test_nothing_to_show_is_no_failure(command: Command) -> None:
    done = command("baseline", "show")
    assert (done.code, done.out.strip()) == (0, "")
    assert "no baselines in results/baselines" in done.err
    assert command("baseline", "show", "--format", "json").out == "[]\n"


def test_promoting_shows_the_gate_and_needs_a_yes(command: Command) -> None:
    _write("results", record(GOOD))
    command("baseline", "save", "main")
    before = read_records([Path("results/baselines")])
    _write("now", record(BAD, started_at="2026-02-01T00:00:00+00:00"))
    done = command("baseline", "promote", "main", "now")
    assert done.code == 2
    assert "Gate failed" in done.out
    assert "stays as it is; --yes replaces it" in done.err
    assert read_records([Path("results/baselines")]) == before
    done = command("baseline", "promote", "main", "now", "--yes")
    assert done.code == 0, done.err
    assert read_records([Path("results/baselines")]) == read_records([Path("now")])
    assert command("gate", "main", "now").code == 0


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_a_person_is_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    _write("results", record(GOOD))
    command("baseline", "save", "main")
    _write("now", record(BAD))
    monkeypatch.setattr("sys.stdin", _Terminal(answer))
    done = command("baseline", "promote", "main", "now")
    assert done.code == code
    assert "Replace results/baselines/main?" in done.err
    kept = read_records([Path("results/baselines")])
    assert kept[0].mean("nDCG@10") == pytest.approx(0.2875 if code == 0 else 0.7875)


def test_a_baseline_of_other_cells_says_which_go_and_come(command: Command) -> None:
    _write("results", record(GOOD, "one"))
    command("baseline", "save", "main")
    _write("now", record(GOOD, "two"))
    done = command("baseline", "promote", "main", "now", "--yes")
    assert done.code == 0
    assert done.out.splitlines() == [
        "removed: scifact/test · bm25 top-100 · one",
        "added: scifact/test · bm25 top-100 · two",
    ]


def test_they_may_lie_elsewhere(command: Command) -> None:
    _write("results", record(GOOD))
    assert command("baseline", "save", "main", "results", "--folder", "kept").code == 0
    assert Path("kept/main/README.md").exists()
    assert "main" in command("baseline", "show", "--folder", "kept").out
    assert command("gate", "kept/main", "results").code == 0


def test_every_command_has_help_with_an_example(command: Command) -> None:
    for name in ("save", "show", "promote"):
        done = command("baseline", name, "--help")
        assert done.code == 0
        assert f"Example: rerankbench baseline {name}" in done.out
        assert max(map(len, done.out.splitlines())) <= 80
