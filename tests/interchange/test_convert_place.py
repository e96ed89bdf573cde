"""Where a conversion goes: the old folder or the new one, whenever it is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.files import swap
from rerankbench.interchange.convert.place import Place

from ..killed import before_every_change


def _convert(folder: Path, text: str, *, force: bool = True) -> None:
    place = Place(folder, [], force=force)
    with place.staged() as staged:
        for name in ("corpus.jsonl", "queries.jsonl"):
            (staged / name).write_text(text)
        place.put(staged)


def _text(folder: Path) -> str:
    """What both files hold, and that there is nothing else."""
    assert sorted(path.name for path in folder.iterdir()) == ["corpus.jsonl", "queries.jsonl"]
    (text,) = {path.read_text() for path in folder.iterdir()}
    return text


@pytest.mark.parametrize("can_exchange", [True, False])
def test_killed_at_any_moment_there_is_the_old_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(swap, "exchange", lambda one, other: False)
    place, found = tmp_path / "place", []
    for _ in before_every_change(lambda: _convert(place, "new"), lambda: _convert(place, "old")):
        if not can_exchange:
            swap.recover(tmp_path)
        found.append(_text(place))
        _convert(place, "next")
        assert _text(place) == "next"
        assert [path.name for path in tmp_path.iterdir()] == ["place"]
    assert set(found) == {"old", "new"}
    assert len(found) > 6


def test_what_was_put_aside_counts_as_being_there(tmp_path: Path) -> None:
    _convert(tmp_path / "place", "old")
    (tmp_path / "place").rename(tmp_path / ".place.rerankbench-replaced")
    with pytest.raises(UsageError, match="is there already"):
        Place(tmp_path / "place", [], force=False)
    assert _text(tmp_path / "place") == "old"


def test_nothing_is_made_on_the_way_to_a_place_that_is_not_used(tmp_path: Path) -> None:
    place = Place(tmp_path / "a" / "b" / "c", [], force=False)
    with place.staged() as staged:
        assert staged.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    _convert(tmp_path / "a" / "b" / "c", "new")
    assert _text(tmp_path / "a" / "b" / "c") == "new"


def test_a_link_to_a_collection_stays_a_link(tmp_path: Path) -> None:
    _convert(tmp_path / "real", "old")
    (tmp_path / "link").symlink_to("real")
    _convert(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert _text(tmp_path / "real") == "new"
