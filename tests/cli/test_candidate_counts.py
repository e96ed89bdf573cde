"""A small collection has fewer candidates than the depth: records count them, headings say it."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest

from rerankbench import load_results
from rerankbench.results.record_set import open_archive

from .conftest import Command


@pytest.fixture
def results(command: Command, collection: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    done = command(
        *("run", "-d", collection, "-m", "bm25", "-m", "oracle", "-m", "random"),
        *("--no-speed", "-o", folder),
    )
    assert done.code == 0, done.err
    return folder


def _sizes(results: Path) -> list[int]:
    """How many candidates each query has, from the task beside the records."""
    archive = open_archive([results])
    task = archive.task(archive.records[0])
    assert task is not None
    return [len(topic.candidates) for topic in task.topics]


def _forget_counts(path: Path) -> None:
    record = json.loads(path.read_bytes())
    del record["candidates"]
    path.write_text(json.dumps(record, indent=1) + "\n")


def test_records_json_and_frames_count_what_was_there(command: Command, results: Path) -> None:
    sizes = _sizes(results)
    counts = {"least": min(sizes), "median": median(sizes), "most": max(sizes)}
    for path in results.rglob("records/*.json"):
        assert json.loads(path.read_bytes())["candidates"] == counts
    rows = json.loads(command("leaderboard", results, "--format", "json").out)
    assert [row["candidates"] for row in rows] == [counts] * 3
    frame = load_results(results)
    assert set(frame["candidates_median"]) == {counts["median"]}
    assert set(frame["candidates_most"]) == {counts["most"]}


def test_whatever_says_the_depth_says_how_many_there_were(
    command: Command, results: Path, tmp_path: Path
) -> None:
    sizes = _sizes(results)
    assert max(sizes) < 100
    middle = f"{median(sizes):g}"
    there = f"({min(sizes)} to {max(sizes)} candidates, median {middle})"
    for arguments in (
        ("leaderboard", results),
        ("leaderboard", results, "--layout", "wide"),
        ("depth", results, "-m", "oracle"),
        ("slices", results, "-m", "oracle"),
        ("compare", "oracle", "random", results),
    ):
        done = command(*arguments)
        assert done.code == 0, done.err
        assert f"bm25 top-100 {there}" in done.out, arguments
    table = command("leaderboard", results).out
    assert f"- Reranked: the first 100 documents {there} of bm25 (" in table
    page = tmp_path / "page.html"
    assert command("report", results, "-o", page).code == 0
    assert f"The first 100 documents {there} of " in page.read_text()


def test_lists_as_long_as_the_depth_need_no_words(
    command: Command, collection: Path, tmp_path: Path
) -> None:
    done = command(
        *("run", "-d", collection, "-m", "bm25", "-k", 2, "--no-speed", "-o", tmp_path / "r")
    )
    assert done.code == 0, done.err
    assert done.out.startswith("### small (test), bm25 top-2\n")
    assert "candidate" not in done.out


def test_old_records_stay_as_they_are(command: Command, collection: Path, results: Path) -> None:
    paths = sorted(results.rglob("records/*.json"))
    for path in paths:
        _forget_counts(path)
    before = [path.read_bytes() for path in paths]
    table = command("leaderboard", results).out
    assert table.startswith("### small (test), bm25 top-100\n")
    assert "candidate" not in table
    rows = json.loads(command("leaderboard", results, "--format", "json").out)
    assert rows[0]["candidates"] == {"least": None, "median": None, "most": None}
    again = ("run", "-d", collection, "-m", "bm25", "-m", "oracle", "--no-speed", "-o", results)
    assert command(*again).code == 0
    assert [path.read_bytes() for path in paths] == before
    # A record that is new says it for the others of the task.
    paths[0].unlink()
    assert command(*again, "-m", "random").code == 0
    assert "top-100 (" in command("leaderboard", results).out.splitlines()[0]
