"""`rerankbench gate` where it runs both versions itself."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from rerankbench.gate.cells import cell_name
from rerankbench.results.store import dump_record, read_records

from ..gate.remeasure.fake import write_python, write_side
from ..gate.remeasure.repositories import Repository, make_repository
from ..leaderboard.records import make_record
from .conftest import Command, Done

VALUES = [0.1 * (number % 10) for number in range(200)]
LOWER = [value / 2 for value in VALUES]


class Versions:
    """A repository with a base called `v1` and a working tree, run by stand-ins."""

    def __init__(self, tmp_path: Path) -> None:
        self.journal = tmp_path / "journal"
        self.python = write_python(tmp_path / "python")
        self.repository: Repository = make_repository(tmp_path / "repository")

    def write(self, base: dict[str, Any], new: dict[str, Any]) -> None:
        def fill(root: Path) -> None:
            write_side(root, "base", self.journal, **{"values": {"model": VALUES}, **base})

        self.repository.commit({"mine.yaml": "datasets: [demo]\nmodels: [bm25]\n"}, fill)
        self.repository.git("tag", "v1")
        write_side(
            self.repository.root, "new", self.journal, **{"values": {"model": VALUES}, **new}
        )

    def noted(self, what: str) -> list[tuple[str, str]]:
        """Who did that, and with which words."""
        lines = (line.split(" ", 2) for line in self.journal.read_text().splitlines())
        return [(who, " ".join(words)) for who, did, *words in lines if did == what]


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Versions:
    made = Versions(tmp_path)
    monkeypatch.chdir(made.repository.root)
    return made


@pytest.fixture
def gate(command: Command, versions: Versions) -> Callable[..., Done]:
    def run(*options: object, pythons: Sequence[str] = ("--base-python", "--new-python")) -> Done:
        named = [each for option in pythons for each in (option, versions.python)]
        return command("gate", *named, *options)

    return run


def _json(done: Done) -> Any:
    assert "Traceback" not in done.err
    return json.loads(done.out)


def test_a_revision_and_what_is_here_are_run_and_compared(
    gate: Callable[..., Done], versions: Versions, own_cache: Path
) -> None:
    versions.write({}, {"values": {"model": LOWER}})
    done = gate("--rev", "v1", "-c", "mine.yaml", "--format", "json")
    found = _json(done)
    assert (done.code, found["conclusion"]) == (3, "failed")
    assert found["quality"][0]["base"] == pytest.approx(0.45)
    assert found["quality"][0]["new"] == pytest.approx(0.225)
    assert found["speed"] == []
    assert "speed and memory are left out; --remeasure 10 measures them" in done.err
    assert [who for who, _ in versions.noted("run")] == ["base", "new"]
    assert all("--no-speed" in words for _, words in versions.noted("run"))
    # What was run is gone, the checkout stays.
    assert [each.name for each in (own_cache / "gate").iterdir() if "work" in each.name] == []
    assert versions.repository.git("status", "--porcelain") == "M side.json"


@pytest.mark.parametrize(
    ("query_s", "code", "outcome"), [(0.01, 0, "passed"), (0.012, 3, "failed")]
)
def test_speed_is_remeasured_in_turn(
    gate: Callable[..., Done],
    versions: Versions,
    tmp_path: Path,
    query_s: float,
    code: int,
    outcome: str,
) -> None:
    versions.write({}, {"query_s": query_s})
    options = ("--rev", "v1", "-c", "mine.yaml", "--remeasure", 6, "--format", "json")
    done = gate(*options, "--keep", tmp_path / "kept")
    found = _json(done)
    speed, memory = found["speed"]
    assert (done.code, speed["outcome"], memory["outcome"]) == (code, outcome, "passed")
    assert speed["times"]["median"] == pytest.approx(query_s / 0.01, rel=0.03)
    assert found["quality"][0]["outcome"] == "same"
    assert "round 1 of 6 took" in done.err
    assert len(versions.noted("start")) == 12
    (raw,) = json.loads((tmp_path / "kept" / "rounds.json").read_text())
    assert raw["cell"]["reranker"] == "model"
    assert speed["new"] == pytest.approx(
        raw["pairs"] / median(median(passes) for passes in raw["new_s"])
    )


def test_records_that_are_there_are_compared_and_only_speed_is_run(
    gate: Callable[..., Done], versions: Versions, tmp_path: Path
) -> None:
    versions.write({}, {"query_s": 0.02})
    for side in ("before", "after"):
        path = tmp_path / side / "records" / "a.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(dump_record(make_record("model", {"nDCG@10": VALUES})))
    records = (tmp_path / "before", tmp_path / "after")
    done = gate(*records, "--remeasure", 6, "-c", "mine.yaml", "--format", "json")
    found = _json(done)
    assert versions.noted("run") == []
    # Without a revision both run what is here.
    assert {who for who, _ in versions.noted("pass")} == {"new"}
    assert (done.code, found["quality"][0]["outcome"]) == (0, "same")
    assert found["speed"][0]["times"]["median"] == pytest.approx(1, rel=0.03)


def test_each_version_has_a_cache_and_paths_of_its_own(
    gate: Callable[..., Done], versions: Versions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = versions.repository.root
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(root / "lib"), "/elsewhere", "rel")))
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    monkeypatch.setenv("GIT_DIR", str(root / ".git"))
    versions.write({}, {})
    kept = tmp_path / "kept"
    assert gate("--rev", "v1", "-c", "mine.yaml", "--keep", kept).code == 0
    seen = {}
    for side in ("base", "new"):
        line = (kept / side / "run.log").read_text().splitlines()[0]
        seen[side] = json.loads(line.partition(" ")[2])
        assert not {"PYTHONSAFEPATH", "GIT_DIR"} & seen[side].keys()
        assert seen[side]["RERANKBENCH_HOME"] == str(kept / side / "home")
        assert (kept / side / "config" / "mine.yaml").is_file()
        assert [cell_name(one).reranker for one in read_records([kept / side])] == ["model"]
    assert seen["new"]["PYTHONPATH"] == os.pathsep.join((str(root / "lib"), "/elsewhere", "rel"))
    lib, *others = seen["base"]["PYTHONPATH"].split(os.pathsep)
    assert Path(lib).parent.name == "src"
    assert others == ["/elsewhere", "rel"]
    again = gate("--rev", "v1", "-c", "mine.yaml", "--keep", kept)
    assert (again.code, "name a new or an empty folder" in again.err) == (2, True)


def test_each_version_runs_its_own_config(
    gate: Callable[..., Done], versions: Versions, tmp_path: Path
) -> None:
    versions.write({}, {})
    changed = "datasets: [demo]\nmodels: [bm25]\ntop_k: 7\n"
    (versions.repository.root / "mine.yaml").write_text(changed)
    assert gate("--rev", "v1", "-c", "mine.yaml", "--keep", tmp_path / "kept").code == 0
    base, new = (
        (tmp_path / "kept" / side / "config" / "mine.yaml").read_text() for side in ("base", "new")
    )
    assert ("top_k" in base, "top_k: 7" in new) == (False, True)
    (versions.repository.root / "fresh.yaml").write_text(changed)
    fresh = gate("--rev", "v1", "-c", "fresh.yaml")
    assert (fresh.code, "base: v1 has no fresh.yaml" in fresh.err) == (2, True)


def test_from_a_folder_below_the_same_folder_of_the_revision_runs(
    gate: Callable[..., Done], versions: Versions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(root: Path) -> None:
        write_side(root / "below", "deep", versions.journal)

    versions.write({}, {})
    config = "datasets: [demo]\nmodels: [bm25]\n"
    versions.repository.commit({"below/c.yaml": config}, fill)
    monkeypatch.chdir(versions.repository.root / "below")
    assert gate("--rev", "HEAD", "-c", "c.yaml").code == 0
    assert [who for who, _ in versions.noted("run")] == ["deep", "deep"]
    missing = gate("--rev", "v1", "-c", "../mine.yaml")
    assert (missing.code, "base: v1 has no folder below" in missing.err) == (2, True)


def test_a_cell_that_fails_in_the_new_version_alone_is_missing(
    gate: Callable[..., Done], versions: Versions
) -> None:
    both = {"values": {"model": VALUES, "other": VALUES}}
    broken = {"values": {"model": VALUES}, "code": 1, "says": "other: it broke"}
    versions.write(both, broken)
    done = gate("--rev", "v1", "-c", "mine.yaml", "--format", "json")
    assert (done.code, len(_json(done)["missing"])) == (3, 1)
    assert "cells failed: error: other: it broke" in done.err


@pytest.mark.parametrize(
    ("base", "new"), [({"code": 1, "says": "a"}, {}), ({}, {"code": 2, "says": "a"})]
)
def test_a_version_that_cannot_run_ends_the_gate_with_its_own_words(
    gate: Callable[..., Done], versions: Versions, base: dict[str, Any], new: dict[str, Any]
) -> None:
    versions.write(base, new)
    done = gate("--rev", "v1", "-c", "mine.yaml")
    side = "base" if base else "new"
    assert done.code == 2
    assert f"{side}: `rerankbench run` failed: error: a; the file has its whole output" in done.err
    log = Path(done.err.split("error: ", 1)[1].split(":")[0])
    assert "error: a" in log.read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--rev", "no-such"), "revision no-such: not found in this repository; fetch it"),
        (("--rev", "v1", "-c", "other.yaml"), "base: v1 has no other.yaml"),
        (("--rev", "v1", "--new-rev", "gone"), "revision gone: not found in this repository"),
        (("--rev", "v1", "--remeasure", 3), "needs 6 rounds at least"),
        (("-c", "absent.yaml"), "no such file"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    gate: Callable[..., Done], versions: Versions, options: Sequence[object], says: str
) -> None:
    versions.write({}, {})
    done = gate(*options)
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert versions.noted("run") == []


def test_a_python_without_rerankbench_is_told(command: Command, versions: Versions) -> None:
    versions.write({}, {})
    wrong = versions.journal.with_name("wrong")
    wrong.write_text('#!/bin/sh\necho "No module named rerankbench" >&2; exit 1\n')
    wrong.chmod(0o755)
    done = command("gate", "--base-python", wrong, "-c", "mine.yaml")
    assert done.code == 2
    assert f"base: {wrong} cannot run rerankbench: No module named rerankbench" in done.err


@pytest.mark.slow
def test_an_environment_is_made_for_a_revision_and_used_again(
    gate: Callable[..., Done], versions: Versions, own_cache: Path
) -> None:
    """A real one; only what would be installed is a stand-in."""
    versions.write({}, {})
    # A link in the place of the link: copying would write over what it leads to.
    install = f"ln -sf {versions.python} {{python}}"
    asked = ("--rev", "v1", "-c", "mine.yaml", "--install", install, "--format", "json")
    for _ in range(2):
        done = gate(*asked, pythons=("--new-python",))
        assert _json(done)["conclusion"] == "passed"
        assert done.err.count("making its environment") == int(not versions.noted("again"))
        with versions.journal.open("a") as journal:
            journal.write("x again\n")
    assert [who for who, _ in versions.noted("run")] == ["base", "new"] * 2
    assert len(list(own_cache.glob("gate/*/env-*"))) == 1
    failing = gate(*asked[:4], "--install", "false", pythons=("--new-python",))
    assert failing.code == 2
    assert "base (v1): `false` failed: it printed nothing" in failing.err


@pytest.mark.slow
def test_one_version_against_itself_passes(
    command: Command, collection: Path, model: Path, tmp_path: Path
) -> None:
    """The real program on both sides. How fast it is does not matter: the limit is ten times."""
    import sys

    config = tmp_path / "mine.yaml"
    body = {"datasets": [str(collection)], "models": [str(model)], "top_k": 5, "device": "cpu"}
    config.write_text(json.dumps(body))
    done = command(
        *("gate", "--base-python", sys.executable, "-c", config, "--format", "json"),
        *("--remeasure", 6, "--speed-budget", 0.5),
        *("--max-slowdown", "900%", "--max-memory-growth", "900%"),
    )
    found = _json(done)
    assert done.code == 0, done.err
    assert {each["outcome"] for each in found["quality"]} == {"same"}
    assert {each["outcome"] for each in found["speed"]} == {"passed"}
    assert found["speed"][0]["times"]["low"] is not None
    assert found["drift"] == []
