"""What an earlier run left and the disk has changed since: made anew, and said in one line."""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from .. import tiny
from .conftest import Command

MODEL = ("-m", "random")


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _options(collection: Path, *more: object) -> Sequence[object]:
    return ("run", "-d", collection, *MODEL, "--no-speed", "--device", "cpu", *more)


def _flip(path: Path, place: int | None = None) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2 if place is None else place] ^= 1
    path.write_bytes(body)


def _only(folder: Path, pattern: str) -> Path:
    (path,) = folder.rglob(pattern)
    return path


def _results() -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path("results").rglob("*.gz")}


def test_a_damaged_run_is_made_anew_where_it_is_read_back(
    command: Command, collection: Path
) -> None:
    assert command(*_options(collection, "--metric", "nDCG@10")).code == 0
    before = _results()
    record = tiny.records(Path("results"))["random"]
    damaged = _only(Path("results"), f"runs/{record['quality_key']}.trec.gz")
    _flip(damaged)
    done = command(*_options(collection, "--metric", "nDCG@10", "--metric", "Recall@3"))
    assert done.code == 0, done.err
    assert f"{damaged}: the run file is damaged; it is made again" in " ".join(done.err.split())
    assert _results() == before
    found = tiny.records(Path("results"))["random"]
    assert "Recall@3" in found["per_query"]
    assert found["per_query"]["nDCG@10"] == record["per_query"]["nDCG@10"]


def test_a_damaged_run_is_refused_in_a_line_where_nothing_can_make_it(
    command: Command, collection: Path
) -> None:
    assert command(*_options(collection)).code == 0
    for path in Path("results").rglob("runs/*"):
        _flip(path)
    done = command("export", "results", "--format", "trec", "-o", "exported")
    assert done.code == 2
    remedy = "restore it from git, or run its cell again with --fresh"
    assert f"the run file is damaged; {remedy}" in " ".join(done.err.split())
    assert done.err.count("\n") <= 3 and "Traceback" not in done.err
    assert not Path("exported").exists()


def test_a_damaged_task_is_made_anew(command: Command, collection: Path) -> None:
    assert command(*_options(collection)).code == 0
    before = _results()
    task = _only(Path("results"), "tasks/*.json.gz")
    _flip(task)
    done = command(*_options(collection))
    assert done.code == 0, done.err
    assert f"{task}: is damaged and made again" in " ".join(done.err.split())
    assert _results() == before


@pytest.mark.parametrize("name", ["candidates", "indexes", "hashes"])
def test_a_damaged_cache_is_made_anew(
    name: str,
    command: Command,
    collection: Path,
    own_cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert command(*_options(collection)).code == 0
    before = _results()
    shutil.rmtree("results")
    if name == "indexes":
        shutil.rmtree(own_cache / "candidates")
    numbers = random.Random(name)
    files = sorted(path for path in (own_cache / name).rglob("*") if path.is_file())
    kept = {path: path.read_bytes() for path in files}
    damaged = numbers.choice([path for path in files if path.name != "manifest.json"])
    _flip(damaged)
    done = command(*_options(collection))
    assert done.code == 0, done.err
    said = " ".join([done.err.replace("\n", ""), *(each.getMessage() for each in caplog.records)])
    assert any(word in said for word in ("made again", "built again", "read again")), said
    assert _results() == before
    assert {path: path.read_bytes() for path in files} == kept


def test_a_damaged_journal_is_scored_again_from_there(
    command: Command, collection: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[tuple[Path, bytes]] = []
    with monkeypatch.context() as unforgetting:
        unforgetting.setattr(
            "rerankbench.results.store.forget_work",
            lambda key: kept.extend((p, p.read_bytes()) for p in own_cache.rglob("scores.jsonl")),
        )
        assert command(*_options(collection)).code == 0
    before = _results()
    shutil.rmtree("results")
    journal, body = max(kept, key=lambda each: len(each[1]))
    journal.parent.mkdir(parents=True, exist_ok=True)
    lines = body.split(b"\n")
    changed = lines[2].replace(b'"scores":[', b'"scores":[1', 1)
    assert changed != lines[2]
    journal.write_bytes(b"\n".join([*lines[:2], changed, *lines[3:]]))
    done = command(*_options(collection))
    assert done.code == 0, done.err
    assert "line 3 does not verify: it and all after it are scored again" in " ".join(
        done.err.split()
    )
    assert _results() == before
    assert not list(own_cache.rglob("scores.jsonl"))


def test_the_journal_of_a_finished_cell_is_cleared_by_the_next_run(
    command: Command, collection: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unforgetting:
        unforgetting.setattr("rerankbench.results.store.forget_work", lambda key: None)
        assert command(*_options(collection)).code == 0
    assert list(own_cache.rglob("scores.jsonl"))
    assert command(*_options(collection)).code == 0
    assert not list(own_cache.rglob("scores.jsonl"))
