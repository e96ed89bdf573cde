"""What is being written: hidden, held while its writer lives, cleared once it is dead."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rerankbench.files import partials
from rerankbench.files.whole import write_whole

from ..killed import before_every_change


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_and_the_next_write_clears(
    tmp_path: Path,
) -> None:
    path = tmp_path / "file.txt"
    left = 0
    for number in before_every_change(
        lambda: write_whole(path, "new"), lambda: write_whole(path, "old")
    ):
        assert path.read_text() in ("old", "new"), f"killed before change {number}"
        left += len(_names(tmp_path)) - 1
        write_whole(tmp_path / "other.txt", "x")
        assert _names(tmp_path) == ["file.txt", "other.txt"], f"killed before change {number}"
        (tmp_path / "other.txt").unlink()
    assert path.read_text() == "new"
    assert left, "no kill left anything: nothing was tried"


def test_what_is_being_written_is_left_alone(tmp_path: Path) -> None:
    with (
        partials.file_beside(tmp_path / "a") as one,
        partials.folder_beside(tmp_path / "b") as folder,
        partials.file_beside(tmp_path / "a") as other,
    ):
        partials.clear(tmp_path)
        assert {Path(one.name), Path(other.name), folder} <= set(tmp_path.iterdir())
        assert all(partials.is_partial(name) for name in _names(tmp_path))
    assert _names(tmp_path) == []


def test_what_the_dead_left_is_cleared_and_nothing_else(tmp_path: Path) -> None:
    left = [".a.1.rerankbench-partial", ".b.2.rerankbench-partial"]
    kept = [".a.1", "a.rerankbench-partial", ".hidden", "b"]
    (tmp_path / left[0]).write_text("half")
    (tmp_path / left[1] / "inner").mkdir(parents=True)
    for name in kept:
        (tmp_path / name).write_text("x")
    (tmp_path / ".link.rerankbench-partial").symlink_to(tmp_path / "b")
    os.mkfifo(tmp_path / ".pipe.rerankbench-partial")
    partials.clear(tmp_path)
    assert _names(tmp_path) == sorted([*kept, ".link.rerankbench-partial"])
    partials.clear(tmp_path / "gone")


def test_long_and_hidden_names_can_be_written(tmp_path: Path) -> None:
    names = ["x" * 255, ".hidden", "é" * 127]
    for name in names:
        write_whole(tmp_path / name, "x")
    assert _names(tmp_path) == sorted(names)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_one_that_was_taken_for_left_behind_is_made_again(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, tries = partials._hold, []

    def too_late(lock: int, path: Path) -> bool:
        tries.append(path)
        if len(tries) == 1:
            partials.clear(tmp_path)
        return hold(lock, path)

    monkeypatch.setattr(partials, "_hold", too_late)
    if kind == "file":
        with partials.file_beside(tmp_path / "a") as handle:
            assert Path(handle.name).exists()
    else:
        with partials.folder_beside(tmp_path / "a") as folder:
            assert folder.is_dir()
    assert len(tries) == 2


def test_after_an_error_that_names_it_a_folder_stays_until_the_next(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        partials.folder_beside(tmp_path / "a", stays_on=(KeyError,)) as folder,
    ):
        raise KeyError
    assert folder.is_dir()
    with (
        pytest.raises(IndexError),
        partials.folder_beside(tmp_path / "a", stays_on=(KeyError,)) as other,
    ):
        assert _names(tmp_path) == [other.name]
        raise IndexError
    assert _names(tmp_path) == []


def test_without_locks_nothing_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", refuse)
    with partials.file_beside(tmp_path / "a") as handle:
        partials.clear(tmp_path)
        assert Path(handle.name).exists()


def test_without_a_way_to_lock_what_is_a_day_old_is_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partials, "fcntl", None)
    old, fresh = (tmp_path / f".{name}.rerankbench-partial" for name in ("old", "fresh"))
    for path in (old, fresh):
        path.mkdir()
    os.utime(old, (0, 0))
    write_whole(tmp_path / "file", "x")
    with partials.folder_beside(tmp_path / "folder"), partials.locked(tmp_path):
        pass
    assert _names(tmp_path) == [fresh.name, "file"]
