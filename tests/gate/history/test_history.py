"""Histories of records: what git held at each commit, what changed there, and what is noise."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

import pytest

from rerankbench.errors import UsageError
from rerankbench.gate.history.commits import Commit, read_blobs, read_log
from rerankbench.gate.history.figure import choose
from rerankbench.gate.history.plot import check, save
from rerankbench.gate.history.series import CellHistory, Moment, histories
from rerankbench.types import Record

from ..records import record, timed
from .repository import RECORDS, Repository

TEN = (0.5,) * 10
MAIN = Path("results/baselines/main")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repository")


def _history(*states: Sequence[Record], metric: str | None = None, **chosen: Any) -> CellHistory:
    """The history of the one cell, whose n-th commit holds the n-th of the states."""
    moments = [
        Moment(
            commit=Commit(sha=f"{at:040}", committed_at=f"2026-12-{at + 1:02}", subject=f"s{at}"),
            records=tuple(records),
        )
        for at, records in enumerate(states)
    ]
    everything = [each for records in states for each in records]
    (found,) = histories(moments, choose(metric, everything), **chosen)
    return found


def test_each_commit_holds_what_git_shows_of_it(repository: Repository) -> None:
    shas = [
        repository.commit_records(record(TEN, "a"), subject="one"),
        repository.commit_records(record(TEN, "a"), record(TEN, "b"), subject="two"),
        repository.commit_records(record((0.4,) * 10, "b"), subject="three"),
    ]
    (repository.root / "other").write_text("x")
    repository.commit("elsewhere")
    log = read_log(repository.root / MAIN)
    assert [snapshot.commit.sha for snapshot in log.snapshots] == shas
    assert [snapshot.commit.date for snapshot in log.snapshots] == [
        *("2026-12-01", "2026-12-02", "2026-12-03")
    ]
    for snapshot in log.snapshots:
        listed = repository.git("ls-tree", "-r", f"{snapshot.commit.sha}:{MAIN}").splitlines()
        expected = {line.partition("\t")[2]: line.split()[2] for line in listed}
        assert {str(path): blob for path, blob in snapshot.blobs.items()} == expected
    assert not log.is_shallow


def test_blobs_are_what_git_shows(repository: Repository) -> None:
    repository.commit_records(record(TEN, "a"), record(TEN, "b"))
    (snapshot,) = read_log(repository.root / MAIN).snapshots
    ids = [*snapshot.blobs.values(), "0" * 39 + "1"]
    contents = dict(read_blobs(repository.root, ids))
    for path, blob_id in snapshot.blobs.items():
        assert contents[blob_id] == (repository.root / MAIN / path).read_bytes()
    assert contents[ids[-1]] is None


@pytest.mark.parametrize("name", ["with space", 'quo"te', "ümlaut", "new\nline", "-dash", "a*b"])
def test_names_are_taken_letter_by_letter(repository: Repository, name: str) -> None:
    place = Path(name) / "records"
    repository.write([record(TEN, "a")], Path("axb") / "records")
    repository.write([record(TEN, "a")], place)
    repository.commit("x")
    (snapshot,) = read_log(repository.root / name).snapshots
    assert list(snapshot.blobs) == [PurePosixPath("records/a.json")]


def test_what_a_merge_brings_came_with_the_merge(repository: Repository) -> None:
    base = repository.commit_records(record(TEN, "a"))
    repository.git("checkout", "--quiet", "-b", "side")
    repository.commit_records(record((0.4,) * 10, "a"))
    repository.commit_records(record((0.3,) * 10, "a"))
    repository.git("checkout", "--quiet", "main")
    (repository.root / "other").write_text("x")
    repository.commit("elsewhere")
    repository.git("merge", "--quiet", "--no-edit", "side")
    log = read_log(repository.root / MAIN)
    merged = repository.git("rev-parse", "HEAD")
    assert [snapshot.commit.sha for snapshot in log.snapshots] == [base, merged]
    assert list(log.snapshots[-1].blobs.values()) == [
        repository.git("rev-parse", f"HEAD:{RECORDS}/a.json")
    ]


def test_as_many_calls_of_git_for_many_commits_as_for_few(repository: Repository) -> None:
    def calls() -> int:
        run, popen = subprocess.run, subprocess.Popen
        with (
            mock.patch("subprocess.run", wraps=run) as ran,
            mock.patch("subprocess.Popen", wraps=popen) as opened,
        ):
            log = read_log(repository.root / MAIN)
            ids = [blob for snapshot in log.snapshots for blob in snapshot.blobs.values()]
            assert len(list(read_blobs(log.root, ids))) == len(log.snapshots)
            # `run` opens by Popen: these calls are among the others.
            assert ran.call_count == 2
            return opened.call_count

    repository.commit_records(record((0.0,), "a"))
    few = calls()
    for at in range(1, 12):
        repository.commit_records(record((at / 100,), "a"))
    assert calls() == few == 3


def test_a_drop_of_all_queries_is_a_change_and_a_shuffle_is_none() -> None:
    down = [0.4] * 10
    shuffled = [0.6, 0.2, *down[2:]]
    found = _history([record(TEN)], [record(down)], [record(shuffled)])
    first, second, third = found.steps
    assert (first.changed, second.changed, third.changed) == (False, True, False)
    assert second.difference.by == pytest.approx(-0.1)
    # All ten signs alike: 2 of 2¹⁰ patterns; Holm over two tests doubles the smaller.
    assert second.p == pytest.approx(2 * 2 / 2**10)
    assert third.p == 1.0
    assert found.overall.by == pytest.approx(-0.1)


def test_one_change_among_hundreds_of_steps_is_found() -> None:
    """Ten thousand permutations alone give no p below 1/10,001: times 600 that is above 0.05."""
    values, states = [0.5] * 40, []
    for at in range(601):
        values = [each - 0.1 if at == 300 else each for each in values]
        moved = [each + (0.01 if (at + n) % 2 else -0.01) for n, each in enumerate(values)]
        states.append([record(moved)])
    found = _history(*states)
    assert sum(step.p is not None for step in found.steps) == 600
    assert [step.commit.subject for step in found.steps if step.changed] == ["s300"]


def test_only_commits_that_changed_the_cell_are_steps() -> None:
    found = _history([record(TEN)], [record(TEN)], [record(TEN, started_at="2026-12-24")])
    assert [step.commit.subject for step in found.steps] == ["s0", "s2"]
    assert (found.steps[1].difference.by, found.steps[1].p) == (0.0, None)
    assert not found.steps[1].changed


def test_what_else_changed_is_named_but_the_commit_that_always_does() -> None:
    old = record(TEN)
    environment = replace(old.environment, packages={"torch": "2.5"}, git_sha="b" * 40)
    new = replace(
        old,
        environment=environment,
        cell=replace(old.cell, reranker=replace(old.cell.reranker, max_length=32)),
    )
    before = replace(old, environment=replace(old.environment, packages={"torch": "2.4"}))
    found = _history([before], [new])
    facts = {each.fact: (each.base, each.new) for each in found.steps[1].facts}
    assert facts["package torch"] == ("2.4", "2.5")
    assert facts["model max_length"][1] == "32"
    assert set(facts) == {"package torch", "model max_length"}


def test_what_went_and_came_back_is_compared_with_what_it_was() -> None:
    found = _history([record(TEN)], [], [record([0.4] * 10)])
    assert [step.value for step in found.steps] == [0.5, None, pytest.approx(0.4)]
    assert found.steps[2].difference.by == pytest.approx(-0.1)


def test_another_task_is_not_compared() -> None:
    old = record(TEN)
    hashes = replace(old.cell.collection.hashes, qrels="other")
    collection = replace(old.cell.collection, hashes=hashes)
    new = replace(record([0.1] * 10), cell=replace(old.cell, collection=collection))
    step = _history([old], [new]).steps[1]
    assert (step.difference.by, step.difference.obstacle) == (None, "another task")
    assert not step.changed
    assert [each.fact for each in step.facts] == ["collection qrels"]


def test_speed_is_compared_on_one_machine_and_beyond_drift_alone() -> None:
    old = record(TEN)
    elsewhere = replace(old, environment=replace(old.environment, machine_id="other"))
    found = _history(
        [timed(old, (1.0, 1.0, 1.1))],
        [timed(old, (1.2, 1.2, 1.2))],
        [timed(old, (3.0, 3.1, 3.2))],
        [timed(elsewhere, (1.0, 1.0, 1.0))],
        metric="docs/s",
    )
    assert [step.changed for step in found.steps] == [False, False, True, False]
    assert found.steps[2].difference.by == pytest.approx(100 / 3.1 - 100 / 1.2)
    assert found.steps[3].difference.obstacle == "another machine"


def test_only_what_is_named_is_shown_and_names_are_checked() -> None:
    a, b = record(TEN, "a"), record(TEN, "b")
    assert _history([a, b], models=["b"]).name.reranker == "b"
    for chosen, told in (
        ({"models": ["c"]}, "no reranker 'c'"),
        ({"collections": ["elsewhere"]}, "no collection 'elsewhere'"),
        ({"metric": "nDCG@7"}, "besides metrics: docs/s, p50"),
        ({"metric": "p50"}, "no record holds p50"),
    ):
        with pytest.raises(UsageError, match=told):
            _history([a, b], **chosen)


def test_a_plot_names_the_commits_and_fills_points_that_changed(tmp_path: Path) -> None:
    states = [[record(TEN)], [record([0.4] * 10)], [record([0.4] * 9 + [0.41])]]
    found = _history(*states)
    moments = [step.commit for step in found.steps]
    for name in ("a.svg", "b.svg", "a.png"):
        save([found], moments, choose(None, states[0]), tmp_path / name)
    text = (tmp_path / "a.svg").read_text()
    assert text == (tmp_path / "b.svg").read_text()
    assert moments[1].short in text
    assert moments[1].date in text
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"ends in \.svg or \.png"):
        check(tmp_path / "a.pdf")
    many = [replace(found, name=replace(found.name, reranker=f"m{at}")) for at in range(9)]
    with pytest.raises(UsageError, match="9 lines cannot be told apart"):
        save(many, moments, choose(None, states[0]), tmp_path / "c.svg")
    assert not (tmp_path / "c.svg").exists()


def test_a_line_ends_where_a_record_went(tmp_path: Path) -> None:
    found = _history([record(TEN)], [], [record([0.4] * 10)])
    commits = [step.commit for step in found.steps]
    figure = choose(None, [record(TEN)])
    save([found], commits, figure, tmp_path / "gap.svg")
    whole = replace(found, steps=(found.steps[0], found.steps[2]))
    save([whole], commits, figure, tmp_path / "whole.svg")

    def upright(name: str) -> int:
        """How many lines of the figure go straight up or down, the axis among them."""
        paths = re.findall(
            r'<path d="([^"]*)"[^>]*style="fill: none', (tmp_path / name).read_text()
        )
        points = [re.findall(r"[ML] ([\d.]+) ([\d.]+)", path) for path in paths]
        return sum(a[0] == b[0] and a[1] != b[1] for each in points for a, b in pairwise(each))

    assert upright("whole.svg") == upright("gap.svg") + 1
