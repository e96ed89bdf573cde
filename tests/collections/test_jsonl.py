"""Lines of corpus and query files: what is refused, where, and how entries are found again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rerankbench.collections import jsonl
from rerankbench.collections.jsonl import OffsetIndex, read_entries
from rerankbench.errors import InputError

GOOD = b'{"_id": "d1", "title": "t", "text": "x"}\n'


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"_id": "d2", "text": "cut o', "the JSON object is cut off"),
        (b'{"_id": "d2", "text"', "the JSON object is cut off"),
        (b'{"_id": "d2", "text": "x"', "the JSON object is cut off"),
        (b"d2\ttext in columns", "is not JSON (column 1"),
        (b'{"_id": "d2"} {"_id": "d3"}', "is not JSON (column 15"),
        (b'["d2", "x"]', "is a JSON list, not an object"),
        (b"17", "is a JSON number, not an object"),
        (b"null", "is a JSON null, not an object"),
        (b"[" * 100_000, "is JSON that cannot be read"),
        (b'{"_id": ' + b"9" * 5000 + b"}", "is JSON that cannot be read"),
        (b'{"text": "x"}', 'has no "_id"'),
        (b'{"_id": null, "text": "x"}', 'has no "_id"'),
        (b'{"_id": "", "text": "x"}', "the id is empty"),
        (b'{"_id": "  ", "text": "x"}', "the id is empty"),
        (b'{"_id": "a b", "text": "x"}', "the id 'a b' has white space"),
        (b'{"_id": "a\\u00a0", "text": "x"}', "has white space"),
        (b'{"_id": "a\\ud83d", "text": "x"}', "has a broken character"),
        (b'{"_id": 1.5, "text": "x"}', '"_id" is a number, not a string'),
        (b'{"_id": true, "text": "x"}', '"_id" is a truth value, not a string'),
        (b'{"_id": "d2", "text": ["x"]}', '"text" is a list, not a string'),
        (b'{"_id": "d2", "title": {}}', '"title" is a object, not a string'),
        (b'{"_id": "d2", "text": "\xff"}', "byte 24 is not UTF-8"),
        (b'{"_id": "d2", "text": "\x00"}', "NUL bytes"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(tmp_path: Path, line: bytes, problem: str) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD + b"\n" + line + b"\n")
    with pytest.raises(InputError) as caught:
        list(read_entries(path))
    assert str(caught.value).startswith(f"{path}:3: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_missing_and_null_texts_are_empty_and_numbers_are_ids(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"_id": 7}\n{"_id": "b", "title": null, "text": null, "metadata": {}}\n')
    assert list(read_entries(path)) == [(1, "7", "", ""), (2, "b", "", "")]


def test_the_index_finds_entries_in_file_order_and_leaves_unknown_ones_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "corpus.jsonl"
    ids: list[object] = ["a", "é", 'quo"te', "back\\slash", 12, "z"]
    body = "\r\n\r\n".join(json.dumps({"_id": i, "text": f"text {i}"}) for i in ids)
    path.write_bytes(b"\xef\xbb\xbf" + body.encode())
    index = OffsetIndex(path)
    found = list(index.read({"z", "é", "12", "a", 'quo"te', "back\\slash", "nobody"}))
    assert [entry.entry_id for entry in found] == [str(i) for i in ids]
    assert [entry.text for entry in found] == [f"text {i}" for i in ids]
    assert list(index.read(set())) == []


def test_the_index_tells_ids_apart_whose_hashes_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text('{"_id": "a"}\n{"_id": "b"}\n{"_id": "c"}\n')
    monkeypatch.setattr(jsonl, "hash", lambda value: 1, raising=False)
    assert [entry.entry_id for entry in OffsetIndex(path).read({"b"})] == ["b"]


def test_the_index_of_an_empty_file_finds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(b"")
    assert list(OffsetIndex(path).read({"a"})) == []


def test_the_index_names_the_line_it_cannot_read(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_bytes(GOOD + b'{"text": "\xff"}\n')
    with pytest.raises(InputError, match=r"corpus\.jsonl:2: byte 11 is not UTF-8"):
        OffsetIndex(path)
