"""One folder in the place of another: never neither, on any file system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rerankbench.files import swap

from ..killed import before_every_change


def _folder(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "one").write_text(text)
    (path / "two").write_text(text)
    return path


def _texts(path: Path) -> set[str]:
    assert sorted(each.name for each in path.iterdir()) == ["one", "two"]
    return {each.read_text() for each in path.iterdir()}


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="no such system call")
def test_two_folders_change_places_in_one_step(tmp_path: Path) -> None:
    one, other = _folder(tmp_path / "a", "1"), _folder(tmp_path / "b", "2")
    if not swap.exchange(one, other):
        pytest.skip("this file system cannot")
    assert (_texts(one), _texts(other)) == ({"2"}, {"1"})


def test_what_cannot_change_places_stays(tmp_path: Path) -> None:
    one = _folder(tmp_path / "a", "1")
    assert not swap.exchange(one, tmp_path / "gone")
    assert not swap.exchange(tmp_path / "gone", one)
    assert _texts(one) == {"1"}


def test_without_that_step_a_kill_at_any_moment_is_mended_by_whoever_looks_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    seen = set()
    for number, folder in enumerate(_prepared(tmp_path), start=1):
        swap.recover(folder)
        (text,) = _texts(folder / "place")
        seen.add(text)
        assert not list(folder.glob(".*replaced")), f"killed before change {number}"
    assert seen == {"old", "new"}


def _prepared(tmp_path: Path) -> list[Path]:
    """A folder for every moment at which a swap may be killed, as it was left."""
    folders: list[Path] = []

    def prepare() -> None:
        folders.append(tmp_path / str(len(folders)))
        _folder(folders[-1] / "place", "old")
        _folder(folders[-1] / "staged", "new")

    def work() -> None:
        swap.swap_in(folders[-1] / "staged", folders[-1] / "place")

    moments = list(before_every_change(work, prepare))
    assert len(moments) == len(folders) > 4
    return folders


def test_looking_changes_nothing_where_nothing_was_left(tmp_path: Path) -> None:
    _folder(tmp_path / "place", "old")
    swap.recover(tmp_path)
    swap.recover(tmp_path / "gone")
    assert _texts(tmp_path / "place") == {"old"}
