"""`rerankbench history`: from three commits to a table, in one line where there is none."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from ..gate.history.repository import RECORDS, Repository
from ..gate.records import record
from .conftest import Command

TEN = (0.5,) * 10


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Three commits of a baseline: all queries fall in the second, the third measures anew."""
    made = Repository(tmp_path / "repository")
    made.commit_records(record(TEN, "ours"), subject="Add the gate")
    made.commit_records(record((0.4,) * 10, "ours"), subject="Cut documents at 32 tokens")
    made.commit_records(record((0.4,) * 10, "ours", started_at="2026-12-24"), subject="Again")
    monkeypatch.chdir(made.root)
    return made


def test_a_table_says_where_it_changed(command: Command, repository: Repository) -> None:
    done = command("history", "main")
    assert done.code == 0, done.err
    rows = [line.split("|")[1:-1] for line in done.out.splitlines() if "2026-12-0" in line]
    rows = [[each.strip() for each in row] for row in rows if len(row) > 4]
    shas = repository.git("log", "--reverse", "--format=%h").split()
    assert [row[0][:7] for row in rows] == [sha[:7] for sha in shas]
    assert [row[2].strip("*") for row in rows] == ["0.5000", "0.4000", "0.4000"]
    assert [row[3] for row in rows] == ["", "-0.1000", "+0.0000"]
    assert [row[5] for row in rows] == ["first", "changed", ""]
    assert f"Last changed at {shas[1][:7]} (2026-12-02): Cut documents at 32 tokens" in done.out


def test_json_and_csv_hold_the_same(command: Command, repository: Repository) -> None:
    (cell,) = json.loads(command("history", "--format", "json").out)
    assert (cell["reranker"], cell["figure"]) == ("ours", "nDCG@10")
    assert [step["changed"] for step in cell["steps"]] == [False, True, False]
    assert cell["steps"][1]["commit"] == repository.git("rev-parse", "HEAD~1")
    rows = list(csv.DictReader(io.StringIO(command("history", "--format", "csv").out)))
    assert [float(row["nDCG@10"]) for row in rows] == [
        pytest.approx(step["value"]) for step in cell["steps"]
    ]


@pytest.mark.parametrize(
    "path", ["main", "results/baselines/main", "results/baselines", f"{RECORDS}/ours.json"]
)
def test_the_work_tree_is_neither_read_nor_touched(
    command: Command, repository: Repository, path: str
) -> None:
    expected = command("history", path)
    assert expected.code == 0, expected.err
    (repository.root / "mine.txt").write_text("not committed")
    (repository.root / RECORDS / "ours.json").write_text("damaged")
    assert command("history", path).out == expected.out
    shutil.rmtree(repository.root / "results")
    before = repository.git("status", "--porcelain")
    done = command("history", path)
    assert done.out == expected.out
    assert repository.git("status", "--porcelain") == before


def test_baselines_do_not_pass_for_results(command: Command, repository: Repository) -> None:
    assert "no commit of it holds a record" in command("history", "results").err
    repository.write([record(TEN, "b")], Path("results/suite/records"))
    repository.commit("results")
    (cell,) = json.loads(command("history", "results", "--format", "json").out)
    assert cell["reranker"] == "b"


def test_a_plot_is_written(command: Command, repository: Repository) -> None:
    done = command("history", "--plot", "h.svg")
    assert done.code == 0, done.err
    assert "h.svg: written" in done.err
    assert Path("h.svg").read_text().lstrip().startswith("<?xml")


def test_a_hook_reads_the_same_repository(
    command: Command, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    expected = command("history").out
    other = Repository(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.root / ".git"))
    assert command("history").out == expected


def test_what_is_no_record_is_left_out_and_told_once(
    command: Command, repository: Repository
) -> None:
    (repository.root / RECORDS / "x.json").write_text("{}")
    repository.commit("damage")
    repository.commit("nothing")
    done = command("history", "--format", "json")
    assert done.code == 0
    assert done.err.count("left out: ") == 1
    assert "x.json: is not a record" in done.err
    assert len(json.loads(done.out)[0]["steps"]) == 3


def test_a_shallow_clone_says_that_it_is(
    command: Command, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = repository.root.as_uri()
    repository.git("clone", "--quiet", "--depth=1", url, str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    done = command("history", "--format", "json")
    assert "git fetch --unshallow" in done.err
    assert len(json.loads(done.out)[0]["steps"]) == 1


def test_mistakes_get_one_line(
    command: Command, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new = Repository(tmp_path / "new")
    (tmp_path / "outside").mkdir()
    for arguments, told in (
        (["nothing"], "results/baselines/nothing: was never committed here"),
        ([new.root / "results"], "results: was never committed here"),
        ([tmp_path / "outside"], "outside: is in no git repository"),
        (["--format", "xml"], "no format 'xml'"),
        (["--metric", "nDCG@7"], "no record holds nDCG@7"),
        (["--metric", "docs/s"], "no record holds docs/s"),
        (["--model", "our"], "no reranker 'our' in these records; did you mean 'ours'?"),
        (["--collection", "x"], "no collection 'x' in these records"),
        (["--plot", "h.pdf"], "name a file that ends in .svg or .png"),
    ):
        done = command("history", *arguments)
        assert (done.code, done.out) == (2, ""), arguments
        assert len(done.err.splitlines()) == 1
        assert told in done.err
    monkeypatch.setenv("PATH", str(tmp_path / "outside"))
    assert "git is not installed, which history needs; install it" in command("history").err
