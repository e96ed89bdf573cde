"""`rerankbench export` from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..interchange.suites import record_of, untied, write_record
from .conftest import Command


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A suite of one record with its run and task."""
    rankings = untied()
    write_record(tmp_path / "results", record_of(rankings), rankings)
    return tmp_path / "results"


def test_results_in_the_current_folder_are_exported(
    command: Command, results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    done = command("export", "--format", "trec", "-o", "out", "--gzip")
    assert (done.code, done.out, done.err) == (0, "", "out: 2 files\n")
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "scifact.bm25.100.org_model.trec.gz",
        "scifact.test.qrels.gz",
    ]


def test_untied_runs_count_down_by_rank(command: Command, results: Path, tmp_path: Path) -> None:
    done = command("export", results, "--format", "trec", "--untied", "-o", tmp_path / "out")
    assert (done.code, done.out) == (0, "")
    lines = (tmp_path / "out" / "scifact.bm25.100.org_model.trec").read_text().splitlines()
    ranks_and_scores = [tuple(line.split()[3:5]) for line in lines[:20]]
    assert ranks_and_scores == [(str(rank), f"{21 - rank}.0") for rank in range(1, 21)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone", "--format", "trec"), "no such file or folder; run `rerankbench run` first"),
        (("--format", "csv"), "error: no format 'csv'; known: ir-measures, mteb, ranx, trec"),
        (("--format", "mteb", "--gzip"), "error: --gzip packs TREC files"),
        (("--format", "mteb", "--untied"), "error: --untied changes the scores of runs"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    command: Command,
    results: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(results.parent)
    done = command("export", *arguments, "-o", "out")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not Path("out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(
    command: Command, results: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    done = command("export", results, "--format", "ranx", "-o", tmp_path / "file")
    assert done.code == 2
    assert "cannot be written" in done.err
