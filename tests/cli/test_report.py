"""`rerankbench report`: what it writes, and what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rerankbench.cli import _run
from tests.report.suite import models_of, write_suite


def test_it_writes_the_page_and_every_plot(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, page, plots = tmp_path / "results", tmp_path / "out.html", tmp_path / "plots"
    write_suite(results, models_of(2), ["scifact"])
    arguments = ["report", str(results), "-o", str(page), "--title", "Ours", "--plots", str(plots)]
    assert _run([*arguments, "--metric", "map"]) == 0
    made = page.read_text(encoding="utf-8")
    assert "<title>Ours</title>" in made
    assert "MAP with 95 % intervals" in made
    assert (plots / "intervals.svg").read_bytes().startswith(b"<?xml")
    assert (plots / "intervals.png").read_bytes().startswith(b"\x89PNG")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"{page}: written" in shown.err
    assert f"{plots}: 14 files written" in shown.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["nowhere"], "no such file or folder"),
        (["results", "--metric", "Recall@100"], "no record holds Recall@100"),
        (["results", "--metric", "quality"], "quality"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: list[str],
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write_suite(tmp_path / "results", models_of(1), ["scifact"], queries=3)
    assert _run(["report", *arguments]) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert "Traceback" not in said
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("arguments", [["--help"], ["leaderboard", "results"]])
def test_what_draws_nothing_does_not_load_the_plotting_library(
    arguments: list[str], tmp_path: Path
) -> None:
    write_suite(tmp_path / "results", models_of(1), ["scifact"], queries=3)
    program = (
        "import sys; from rerankbench.cli import _run; _run(sys.argv[1:]); "
        "loaded = {'matplotlib', 'torch'} & set(sys.modules); sys.exit(bool(loaded))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
