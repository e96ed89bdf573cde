"""Every command: pipes and devices as inputs, names that are too long, and documents that stay."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from rerankbench.files import special_files

from .. import tiny
from .conftest import Command

LONG = "x" * 300


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a collection, a run and a pipe that nobody writes to."""
    monkeypatch.chdir(tmp_path)
    tiny.write_collection(tmp_path / "small")
    (tmp_path / "run.trec").write_text("q Q0 d 1 1.0 t\n")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "pipe"),
        ("leaderboard", "pipe"),
        ("leaderboard", "--layout", "./pipe"),
        ("evaluate", "pipe", "run.trec"),
        ("evaluate", "small/qrels/test.tsv", "pipe"),
        ("audit", "pipe"),
        ("compare", "pipe", "pipe"),
        ("gate", "pipe", "pipe"),
        ("report", "pipe"),
        ("import", "-d", "small", "pipe"),
        ("rerank", "-d", "small", "--run", "pipe", "-m", "bm25", "-o", "out.trec"),
        ("retrieve", "-d", "small", "--first-stage", "run:pipe", "-o", "out.trec"),
    ],
    ids=" ".join,
)
def test_a_pipe_is_no_input(arguments: tuple[str, ...], command: Command, place: Path) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "pipe: is a pipe, not a regular file; save its content to a file" in done.err
    assert not (place / "out.trec").exists()


@pytest.mark.parametrize(
    "name", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv", "qrels/test.tsv.gz"]
)
def test_a_pipe_in_a_collection_is_no_input(name: str, command: Command, place: Path) -> None:
    path = place / "small" / name
    path.with_suffix("").with_suffix(".tsv").unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    done = command("run", "-d", "small", "-m", "bm25", "--no-speed")
    assert done.code in (1, 2)
    assert f"{name}: is a pipe, not a regular file" in done.err


def test_a_pipe_in_a_models_folder_is_no_input(command: Command, place: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"):
        folder = place / "model"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / name).parent.mkdir(parents=True)
        os.mkfifo(folder / name)
        done = command("run", "-d", "small", "-m", "./model", "--no-speed")
        assert done.code == 2
        assert f"model/{name}: is a pipe, not a regular file" in done.err


def test_a_pipe_among_records_is_no_input(command: Command, place: Path) -> None:
    (place / "results" / "suite" / "records").mkdir(parents=True)
    os.mkfifo(place / "results" / "suite" / "records" / "a.json")
    done = command("leaderboard", "results")
    assert done.code == 2
    assert "records/a.json: is a pipe, not a regular file" in done.err


def test_a_run_is_written_into_a_pipe(command: Command, place: Path) -> None:
    command("retrieve", "-d", "small", "-o", "out.trec")
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(Path("pipe").read_bytes()))
    reader.start()
    done = command("retrieve", "-d", "small", "-o", "pipe")
    reader.join(20)
    assert done.code == 0
    assert found == [Path("out.trec").read_bytes()]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_pipe_that_nobody_reads_is_one_line(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(special_files, "READER_WAIT_S", 0.05)
    done = command("retrieve", "-d", "small", "-o", "pipe")
    assert done.code == 2
    assert "error: pipe: nobody reads this pipe; start its reader first" in done.err


@pytest.mark.parametrize("kind", ["pipe", "hard", "symbolic"])
def test_a_document_keeps_what_it_is(kind: str, command: Command, place: Path) -> None:
    assert command("run", "-d", "small", "-m", "bm25", "--no-speed", "-q").code == 0
    document = Path("README.md")
    if kind == "pipe":
        done = command("leaderboard", "--inject", "pipe")
        assert (done.code, "pipe: is a pipe, not a regular file" in done.err) == (2, True)
        assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
        return
    document.write_text("<!-- rerankbench:begin plain -->\n<!-- rerankbench:end plain -->\n")
    document.chmod(0o600)
    other = Path("other.md")
    if kind == "hard":
        os.link(document, other)
    else:
        other.symlink_to(document)
    before = document.stat()
    assert command("leaderboard", "--inject", "other.md").code == 0
    after = document.stat()
    assert (after.st_mode, after.st_uid, after.st_gid, after.st_nlink) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
        before.st_nlink,
    )
    assert "bm25" in document.read_text()
    assert document.read_text() == other.read_text()
    assert other.is_symlink() == (kind == "symbolic")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", LONG),
        ("run", "-d", LONG, "-m", "bm25"),
        ("run", "-d", f"./{LONG}", "-m", "bm25"),
        ("run", "-d", "small", "-m", LONG),
        ("run", "-d", "small", "-m", f"a/{LONG}"),
        ("run", "-d", "small", "-m", "bm25", "-o", LONG),
        ("run", "-d", "small", "-m", "bm25", "--suite", LONG),
        ("retrieve", "-d", "small", "-o", LONG),
        ("leaderboard", LONG),
        ("leaderboard", "--layout", LONG),
        ("leaderboard", "--layout", f"{LONG}.yaml"),
        ("evaluate", "small/qrels/test.tsv", LONG),
        ("audit", LONG),
        ("baseline", "save", LONG, "small"),
        (LONG,),
        ("run", f"--{LONG}"),
    ],
    ids=range(16),
)
def test_a_name_that_is_too_long_is_one_short_line(
    arguments: tuple[str, ...], command: Command, place: Path
) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert all(len(line) <= 300 for line in done.err.splitlines())
