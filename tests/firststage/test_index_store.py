from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from rerankbench.errors import StorageError
from rerankbench.firststage import index_store
from rerankbench.firststage.index_store import DamagedIndexError, DocIds, DocIdsBuilder
from rerankbench.firststage.inverted import MatrixBuilder


def save(folder: Path, texts: tuple[str, ...] = ("x y", "y")) -> None:
    builder, ids = MatrixBuilder(("contents",)), DocIdsBuilder()
    for number, text in enumerate(texts):
        builder.add([text])
        ids.add(f"d{number}")
    index_store.save(folder, builder.finish(0.9, 0.4), ids, {"engine": "bm25s"})


def test_ids_of_any_form_come_back() -> None:
    names = ["a", "", "naïve 東京", "x" * 300, "\ud800"]
    builder = DocIdsBuilder()
    for name in names:
        builder.add(name)
    ids = DocIds(*builder.arrays())
    assert [ids[row] for row in range(len(ids))] == names


def test_an_index_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    save(tmp_path / "indexes" / "key")
    index = index_store.load(tmp_path / "indexes" / "key")
    assert index.doc_ids[1] == "d1"
    assert index.engine.k1 == 0.9
    (column,) = index.engine.get_tokens_ids(["contents:x"])
    assert [score > 0 for score in index.engine.get_scores_from_ids([column])] == [True, False]


def test_nothing_but_the_index_is_left(tmp_path: Path) -> None:
    save(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    manifest = json.loads((tmp_path / "key" / "manifest.json").read_text())
    assert manifest["about"] == {"engine": "bm25s"}
    on_disk = {path.name for path in (tmp_path / "key").iterdir()}
    assert on_disk == {*manifest["files"], "manifest.json"}


def test_the_faster_of_two_processes_wins(tmp_path: Path) -> None:
    save(tmp_path / "key")
    save(tmp_path / "key", ("z",))
    assert len(index_store.load(tmp_path / "key").doc_ids) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_strange_folder_in_the_way_is_told(tmp_path: Path) -> None:
    (tmp_path / "key" / "strange").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be written"):
        save(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


DAMAGES = ("no manifest", "no json", "a list", "cut", "bit", "lost", "file")


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "key"
    save(folder)
    manifest, data = folder / "manifest.json", folder / "data.csc.index.npy"
    body = data.read_bytes()
    if damage == "no manifest":
        manifest.unlink()
    elif damage == "no json":
        manifest.write_text("{")
    elif damage == "a list":
        manifest.write_text("[]")
    elif damage == "cut":
        data.write_bytes(body[:-1])
    elif damage == "bit":
        data.write_bytes(body[:-1] + bytes([body[-1] ^ 1]))
    elif damage == "lost":
        (folder / "doc_ids.npy").unlink()
    else:
        index_store.remove(folder)
        folder.write_text("")
    with pytest.raises(DamagedIndexError, match="key"):
        index_store.load(folder)
    index_store.remove(folder)
    assert not folder.exists()


def _scores(index: index_store.Index) -> list[list[float]]:
    columns = index.engine.get_tokens_ids(["contents:x", "contents:y"])
    rows = [index.engine.get_scores_from_ids([column]).tolist() for column in columns]
    return [*rows, [len(index.doc_ids)]]


def test_no_flipped_bit_is_ranked_by(tmp_path: Path) -> None:
    folder, numbers = tmp_path / "key", random.Random(13)
    save(folder)
    expected = _scores(index_store.load(folder))
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        for place in range(len(whole)):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << numbers.randrange(8)
            path.write_bytes(damaged)
            try:
                assert _scores(index_store.load(folder)) == expected, f"{path.name}, {place}"
                # What is kept for people alone is not read.
                assert path.name == "manifest.json", f"{path.name}, {place}"
            except DamagedIndexError:
                pass
        path.write_bytes(whole)


def test_pickles_are_not_opened(tmp_path: Path) -> None:
    import numpy as np

    folder = tmp_path / "key"
    save(folder)
    pickled = folder / "doc_ids.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["doc_ids.npy"] = index_store._checksum(pickled)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DamagedIndexError, match="cannot be read"):
        index_store.load(folder)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "indexes").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match=r"cannot be written .*set RERANKBENCH_HOME"):
        save(tmp_path / "indexes" / "key")


def test_a_failed_save_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_store, "_checksum", full)
    with pytest.raises(StorageError, match="No space left"):
        save(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_cannot_be_removed_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be removed"):
        index_store.remove(tmp_path / "absent")
