"""`rerankbench compare`: what its arguments mean, and what comes out where."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compare.suites import topic, write_cell, write_topics
from tests.leaderboard.records import make_record

from .conftest import Command


def _suite(folder: Path, *, better: float = 1.0) -> Path:
    a, b = make_record("a", {"nDCG@10": [0.1, 0.2]}), make_record("b", {"nDCG@10": [better, 0.2]})
    write_cell(folder, a, {"q0": ["d1"]})
    write_cell(folder, b, {"q0": ["d2"]})
    write_topics(folder, a, [topic("q0", "what is it?", {"d2": 1}, ["d1", "d2"])])
    return folder


def test_two_names_are_looked_for_in_results(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _suite(Path("results"))
    done = command("compare", "a", "b")
    assert (done.code, done.err) == (0, "")
    assert "## a and b, nDCG@10" in done.out and "q0: what is it?" in done.out
    assert all(len(line) <= 80 for line in done.out.splitlines())


def test_paths_make_two_names_of_what_else_could_be_places(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    Path("b").mkdir()
    _suite(Path("elsewhere"))
    assert "## a and b" in command("compare", "a", "b", "elsewhere").out
    assert "a, b: has no records" not in command("compare", "a", "b", "elsewhere").err
    assert "a: has no records" in command("compare", "a", "b").err


def test_two_places_compare_their_equal_cells(command: Command, tmp_path: Path) -> None:
    main, branch = _suite(tmp_path / "main"), _suite(tmp_path / "branch", better=0.5)
    done = command("compare", main, branch, "--format", "json", "--queries", 0)
    found = json.loads(done.out)
    assert [each["reranker_a"] for each in found["comparisons"]] == ["a", "b"]
    assert [each["difference"] for each in found["comparisons"]] == [0, -0.25]
    (record,) = (
        path for path in main.rglob("records/*.json") if '"name": "a"' in path.read_text()
    )
    (other,) = (
        path for path in branch.rglob("records/*.json") if '"name": "b"' in path.read_text()
    )
    found = json.loads(command("compare", record, other, "--format", "json").out)
    assert [each["difference"] for each in found["comparisons"]] == [pytest.approx(0.2)]


def test_a_place_and_a_name_do_not_mix(command: Command, tmp_path: Path) -> None:
    done = command("compare", _suite(tmp_path / "main"), "b")
    assert done.code == 2
    assert "exists, but not 'b'" in done.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a", "c"), "no reranker 'c' in these records; known: a, b"),
        (("a", "b", "--metric", "nDCG@5"), "did you mean 'nDCG@10'?"),
        (("a", "b", "--format", "htm"), "no format 'htm'; did you mean 'html'?"),
        (("a", "b", "--dataset", "x"), "add --documents"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    arguments: tuple[str, ...],
    message: str,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    _suite(Path("results"))
    done = command("compare", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err and done.err.count("\n") == 1


def test_a_page_is_written_whole(command: Command, tmp_path: Path) -> None:
    results, page = _suite(tmp_path / "main"), tmp_path / "deep" / "page.html"
    done = command("compare", "a", "b", results, "--format", "html", "-o", page)
    assert (done.code, done.out) == (0, "")
    assert page.read_text().startswith("<!doctype html>")


def test_texts_that_cannot_be_found_are_a_note_not_an_error(
    command: Command, tmp_path: Path
) -> None:
    results = _suite(tmp_path / "main")
    done = command("compare", "a", "b", results, "--documents", "-d", tmp_path / "nowhere")
    assert done.code == 0
    assert "the texts of scifact were not found" in done.out


def test_it_needs_no_torch(tmp_path: Path) -> None:
    results = _suite(tmp_path / "main")
    program = (
        "import sys; from rerankbench import cli; "
        f"cli._run(['compare', 'a', 'b', {str(results)!r}]); "
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
