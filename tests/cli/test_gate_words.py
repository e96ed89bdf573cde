"""`gate` and `compare` of the same two places speak alike, and what they say holds."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from rerankbench.types import Record

from ..compare.suites import topic, write_cell, write_topics
from ..gate.records import record, timed
from .conftest import Command, Done

PAGE = Path(__file__).resolve().parents[2] / "docs" / "gate.md"
GOOD = [0.9, 0.8, 0.7, 0.9, 0.8, 0.6, 0.7, 0.9]
# Two of eight better, six worse: a drop that may be chance.
DROP = [0.4, 0.9, 0.5, 0.6, 0.9, 0.3, 0.6, 0.7]
FORMS = ("text", "json", "junit", "markdown", "github")


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(folder: str, *records: Record, text: str | None = "where do they\nlive?") -> None:
    for each in records:
        queries = [f"q{number}" for number in range(len(GOOD))]
        written = write_cell(Path(folder), each, {query: ["d1", "d2"] for query in queries})
        write_topics(Path(folder), written, [topic(query, text) for query in queries])


def _flat(done: Done) -> str:
    assert "Traceback" not in done.err
    return " ".join(done.out.split())


def test_the_example_of_the_page_is_what_the_commands_print(command: Command) -> None:
    section = PAGE.read_text().partition("told to read only")[2].partition("## ")[0]
    *runs, gate = re.findall(r"^    rerankbench (.+)$", section, re.M)
    for run in runs:
        assert command(*shlex.split(run)).code == 0
    shown = section.partition("```text\n")[2].partition("```")[0]
    assert command(*shlex.split(gate)).out == shown


def test_both_have_one_sign_and_the_gates_p_is_half_of_compares(command: Command) -> None:
    # What did not change is no test of either.
    _write("base", record(GOOD), record(GOOD, "same"))
    _write("new", record(DROP), record(GOOD, "same"))
    gate = json.loads(command("gate", "base", "new", "--format", "json").out)
    compared = json.loads(command("compare", "base", "new", "--format", "json").out)
    verdict = next(each for each in gate["quality"] if each["outcome"] == "unclear")
    comparison = next(each for each in compared["comparisons"] if each["difference"])
    assert verdict["difference"] == pytest.approx(sum(DROP) / 8 - sum(GOOD) / 8)
    assert verdict["difference"] == pytest.approx(comparison["difference"])
    assert verdict["lower_bound"] < verdict["difference"] < 0
    assert 2 * verdict["p"] == comparison["p"]
    assert 2 * verdict["holm_p"] == comparison["p_holm"]
    text = _flat(command("gate", "base", "new"))
    p = f"{verdict['p']:.3f}"
    assert re.search(rf" {verdict['difference']:.4f} .*? {p} ", text)
    assert f"margin 0.005, p = {p})" in text
    assert (
        "rerankbench compare tests both directions: before Holm, its p of a drop is twice" in text
    )
    beside = _flat(command("compare", "base", "new"))
    assert f"| {comparison['p_holm']:.3f} |" in beside
    assert "rerankbench gate tests only whether B is worse: one-sided" in beside


@pytest.mark.parametrize("form", FORMS)
def test_an_improvement_warns_nobody(command: Command, form: str) -> None:
    _write("base", record(DROP))
    _write("new", record(GOOD))
    done = command("gate", "base", "new", "--format", form, "--strict")
    assert done.code == 0
    for word in ("unclear", "UNCLEAR", "warning", "<skipped"):
        assert word not in re.sub(r"(without )?either it is unclear", "", done.out)


def test_worst_queries_have_texts_and_a_command_that_works(command: Command) -> None:
    _write("my base", record(GOOD))
    _write("my new", record(DROP))
    places = ("my base", "my new")
    done = command("gate", *places)
    assert "  - q0 (0.900 → 0.400, -0.500): where do they live?\n" in done.out
    line = next(line for line in done.out.splitlines() if "rerankbench compare '" in line)
    _, *arguments = shlex.split(line)
    shown = command(*arguments)
    assert shown.code == 0
    assert "- q0: where do they live?\n  nDCG@10 0.900 and 0.400 (-0.500)\n" in shown.out
    assert json.loads(command("gate", *places, "--format", "json").out)[
        "compare_command"
    ] == shlex.join(["rerankbench", *arguments])
    for form in ("markdown", "github"):
        assert shlex.join(arguments) in command("gate", *places, "--format", form).out
    suites = Xml.fromstring(command("gate", *places, "--format", "junit").out)
    assert shlex.join(arguments) in (suites.findtext(".//system-out") or "")


def test_a_long_command_is_several_lines_that_a_shell_takes_as_one(command: Command) -> None:
    places = [f"{side}/{'x' * 40}" for side in ("base", "new")]
    _write(places[0], record(GOOD))
    _write(places[1], record(DROP))
    done = command("gate", *places)
    assert max(map(len, done.out.splitlines())) <= 80
    lines = done.out.partition("differ most:\n")[2].splitlines()[:4]
    # A shell, with a function in the place of the program.
    script = "\n".join(["rerankbench() { printf '%s|' \"$@\"; }", *lines])
    shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.split("|")[:-1] == ["compare", *places, "--metric", "nDCG@10"]


def test_a_baseline_has_texts_of_the_new_side_and_no_run_files(command: Command) -> None:
    _write("results", record(GOOD))
    command("baseline", "save", "main")
    _write("new", record(DROP))
    done = command("gate", "main", "new")
    assert "): where do they live?" in done.out
    shown = command("compare", "results/baselines/main", "new")
    assert "results/baselines/main: baselines hold no run files" in _flat(shown)
    assert "git" not in shown.out
    assert "rerankbench compare results/baselines/main new" in done.out


def test_texts_that_cannot_be_read_are_a_warning(command: Command) -> None:
    _write("base", record(GOOD))
    _write("new", record(DROP))
    for path in Path().rglob("tasks/*"):
        path.write_bytes(b"no task")
    done = command("gate", "base", "new")
    assert (done.code, "  - q0 (0.900 → 0.400, -0.500)\n" in done.out) == (0, True)
    assert "worst queries have no texts" in done.err


@pytest.mark.parametrize("form", ["text", "junit", "markdown", "github"])
def test_speed_that_was_not_measured_is_said(command: Command, form: str) -> None:
    _write("base", record(GOOD))
    _write("new", record(GOOD))
    shown = _flat(command("gate", "base", "new", "--format", form))
    assert "quality did not become worse; speed was not measured. 1 cell" in shown
    shown = _flat(command("gate", "base", "new", "--format", form, "--speed", "ignore"))
    assert "quality did not become worse; speed was not compared. 1 cell" in shown


def test_cells_without_speed_are_named_among_those_with(command: Command) -> None:
    measured = timed(record(GOOD, "timed"), [1.0] * 3)
    bm25 = record(GOOD, "bm25")
    reranker = replace(bm25.cell.reranker, role="first-stage")
    bm25 = replace(bm25, cell=replace(bm25.cell, reranker=reranker))
    _write("base", measured, record(GOOD, "untimed"), bm25)
    done = command("gate", "base", "base")
    assert "Gate passed: nothing became worse. 3 cells compared." in done.out
    untimed = "scifact/test · bm25 top-100 · untimed"
    assert f"Speed was not measured in both base and new of {untimed}. Nothing" in _flat(done)


def test_a_busy_machine_is_called_so(command: Command) -> None:
    calm = timed(record(GOOD), [1.0] * 3)
    busy = replace(calm, measurements=replace(calm.measurements, foreign_load=1.5))
    _write("busy", busy)
    _write("calm", calm)
    shown = _flat(command("gate", "busy", "busy"))
    assert "1 of 2 results is unclear" in shown
    assert "the machine was busy while this was measured (other programs kept up to 1.5" in shown
    shown = _flat(command("gate", "busy", "calm"))
    assert "the machine was busy while the base was measured" in shown
    busier = replace(busy, started_at="2026-03-01", suite="later")
    _write("busier", busier)
    shown = _flat(command("gate", "busy", "busier"))
    assert "the machine was busy while the base and the new were measured" in shown
