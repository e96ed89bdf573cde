"""The command line as a whole: help, version, exit codes, and what it does not import."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rerankbench
from rerankbench.cli import app, baseline
from rerankbench.run import command as command_of_run

from .conftest import Command

COMMANDS = [
    each.name or each.callback.__name__ for each in app.registered_commands if each.callback
]
PATHS = [
    *((name,) for name in COMMANDS),
    ("baseline",),
    *(
        ("baseline", each.callback.__name__)
        for each in baseline.app.registered_commands
        if each.callback
    ),
]
_RUN = "import sys; from rerankbench.cli import _run; code = _run(sys.argv[1:]); "
_HEAVY = "print([m for m in ('torch', 'transformers') if m in sys.modules], file=sys.stderr); "


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "200", "TERM": "dumb"}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def test_all_commands_are_there() -> None:
    wanted = {"run", "leaderboard", "retrieve", "rerank", "evaluate", "datasets", "models"}
    assert wanted <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_an_example_fits_80_columns_and_imports_no_torch(name: str) -> None:
    done = _python(_RUN + _HEAVY + "sys.exit(code)", name, "--help")
    assert done.returncode == 0, done.stderr
    assert "Example: rerankbench" in " ".join(done.stdout.split())
    assert f"rerankbench {name}" in done.stdout
    assert [line for line in done.stdout.splitlines() if len(line) > 80] == []
    assert done.stderr.splitlines()[-1] == "[]"


def test_help_lists_every_command_in_a_group_with_the_whole_of_its_description(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = command("--help")
    assert done.code == 0
    groups: dict[str, dict[str, str]] = {}
    rows: dict[str, str] = {}
    for line in done.out.splitlines():
        if re.fullmatch(r"[A-Z][a-z]+:", line):
            rows = groups.setdefault(line[:-1], {})
        elif found := re.fullmatch(r"  ([a-z]+) {2,}(\S.*)", line):
            rows[found[1]] = found[2]
    del groups["Options"]
    assert list(groups) == ["Measure", "Read", "Compare", "Guard", "Inspect", "Exchange"]
    listed = {name: text for rows in groups.values() for name, text in rows.items()}
    docstrings = {
        (each.name or ""): (each.callback.__doc__ or "").splitlines()[0]
        for each in app.registered_commands
        if each.callback
    }
    docstrings["baseline"] = (baseline.root.__doc__ or "").splitlines()[0]
    assert listed == docstrings
    assert done.out.isascii()


_WORDS = r"[A-Z]+(=[A-Z]+)?"


@pytest.mark.parametrize("path", [(), *PATHS], ids=" ".join)
def test_what_is_to_be_typed_stands_in_capital_words_and_nothing_is_cut(
    command: Command, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = command(*path, "--help")
    assert done.code == 0
    lines = done.out.splitlines()
    usage = " ".join(lines[: lines.index("")])
    for piece in usage[usage.index("[OPTIONS]") :].split():
        assert re.fullmatch(rf"(\[{_WORDS}\]|{_WORDS})(\.\.\.)?", piece), usage
    for line in lines:
        assert len(line) <= 80
        assert "..." not in line.replace("]...", "").replace("RUN...", "").replace("FILE...", "")
        option = re.match(r"  (?:-\w, )?(-[-a-z]+)(.*)", line)
        if option is None:
            continue
        value = re.match(r" (\S+)(  |$)", option[2])
        if value is not None:
            assert re.fullmatch(_WORDS, value[1]), line


def test_no_argument_shows_the_help(command: Command) -> None:
    assert "Start with: rerankbench run" in command().out


def test_the_version_is_the_packages(command: Command) -> None:
    done = command("--version")
    assert (done.code, done.out) == (0, f"rerankbench {rerankbench.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("rum",),
        ("run", "--no-such-option"),
        ("run", "-k", "many"),
        ("run", "-k", "0"),
        ("rerank",),
    ],
)
def test_usage_errors_end_with_2_and_no_traceback(
    command: Command, arguments: tuple[str, ...]
) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Error" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("asked", [False, True])
def test_what_nobody_foresaw_is_one_line(
    command: Command, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("a place that is not there\nand more")

    monkeypatch.setattr(command_of_run, "evaluate", fail)
    monkeypatch.setenv("RERANKBENCH_TRACEBACK", "1" if asked else "")
    done = command("evaluate", "qrels.tsv", "run.trec")
    assert (done.code, done.out) == (1, "")
    last = done.err.splitlines()[-1]
    assert last.startswith("error: KeyError: 'a place that is not there")
    assert "please report it (RERANKBENCH_TRACEBACK=1 shows where it happened)" in last
    assert ("Traceback" in done.err) is asked


def test_dash_m_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rerankbench", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"rerankbench {rerankbench.__version__}\n"


def test_a_reader_that_goes_away_is_no_error(collection: Path, tmp_path: Path) -> None:
    lines = [f"q{i} Q0 d{j} 1 {j}.5 t" for i in range(6) for j in range(40)]
    (tmp_path / "run.trec").write_text("\n".join(lines) + "\n")
    program = (sys.executable, "-m", "rerankbench", "evaluate", "--per-query")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*program, str(collection / "qrels" / "test.tsv"), str(tmp_path / "run.trec")],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert "Traceback" not in done.stderr


def test_a_bug_is_not_dressed_up_as_an_input_error(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from rerankbench.run import quality

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(quality, "evaluate", fail)
    (tmp_path / "q").write_text("q 0 d 1\n")
    (tmp_path / "r").write_text("q Q0 d 1 1.0 t\n")
    done = command("evaluate", tmp_path / "q", tmp_path / "r")
    assert (done.code, done.out) == (1, "")
    assert "ZeroDivisionError: a bug; this is a fault of rerankbench" in done.err
