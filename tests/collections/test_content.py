"""Hashes of content: what changes them and what does not; facts kept on disk."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from rerankbench.collections.content import (
    CorpusFacts,
    CorpusReading,
    load_facts,
    memo_path,
    qrels_hash,
    queries_hash,
    save_facts,
)
from rerankbench.errors import StorageError
from rerankbench.files.texts import mend
from rerankbench.types import Document, Query


def facts(*documents: Document) -> CorpusFacts:
    reading = CorpusReading(frozenset())
    for document in documents:
        reading.add(document, was_mended=False)
    return reading.facts()


def document(doc_id: str, title: str = "", text: str = "x") -> Document:
    return Document(doc_id=doc_id, title=title, text=text)


def test_the_corpus_hash_sees_every_field_its_borders_and_the_order() -> None:
    a, b = document("a", "ti", "text"), document("b")
    others = (
        [a],
        [b, a],
        [document("a", "tit", "ext"), b],
        [document("at", "i", "text"), b],
        [document("a", "ti", "text "), b],
    )
    hashes = {facts(*other).content_hash for other in others}
    assert facts(a, b).content_hash == facts(a, b).content_hash
    assert len(hashes | {facts(a, b).content_hash}) == len(others) + 1
    assert len(facts(a).content_hash) == 32


def test_order_does_not_change_the_hashes_of_queries_and_qrels() -> None:
    one, two = Query(query_id="1", text="x"), Query(query_id="2", text="y")
    assert queries_hash([one, two]) == queries_hash([two, one])
    assert queries_hash([one]) != queries_hash([Query(query_id="1", text="y")])
    assert qrels_hash({"1": {"a": 1, "b": 0}, "2": {"a": 1}}) == qrels_hash(
        {"2": {"a": 1}, "1": {"b": 0, "a": 1}}
    )
    assert qrels_hash({"1": {"a": 1}}) != qrels_hash({"1": {"a": 2}})


def test_repeated_ids_are_seen() -> None:
    reading = CorpusReading(frozenset())
    for doc_id in ("a", "b", "a", "c"):
        reading.add(document(doc_id), was_mended=False)
    assert reading.repeated_keys() == {hash("a")}


def test_facts_count_oddities_with_their_first_example() -> None:
    reading = CorpusReading({"a", "y", "x"})
    reading.add(document("a", text=" "), was_mended=False)
    reading.add(document("b", text=""), was_mended=False)
    reading.add(document("c"), was_mended=True)
    assert reading.facts().warnings() == [
        "2 documents are empty (first: 'a')",
        "1 documents hold broken characters (lone surrogates), read as U+FFFD (first: 'c')",
        "2 judged document ids are not in the corpus (first: 'x')",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("plain", "plain"), ("été 🙂", "été 🙂"), ("a\ud83db\ude00", "a\ufffdb\ufffd")],
)
def test_lone_surrogates_are_replaced(text: str, expected: str) -> None:
    assert mend(text) == expected


def test_facts_survive_on_disk(cache: Path) -> None:
    path = memo_path(["beir-folder", "corpus.jsonl", 12])
    assert path.parent == cache / "hashes"
    kept = facts(document("a", text=""))
    save_facts(path, kept)
    assert load_facts(path) == kept


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b'{"schema": 0}', b'{"schema": 1'])
def test_a_memo_that_cannot_be_used_counts_as_none(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "memo.json"
    path.write_bytes(body)
    assert load_facts(path) is None
    assert load_facts(tmp_path / "absent.json") is None


def test_no_flipped_bit_of_a_memo_is_believed_and_each_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, kept = tmp_path / "memo.json", facts(document("a", text=""))
    save_facts(path, kept)
    whole = path.read_bytes()
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            caplog.clear()
            assert load_facts(path) is None, f"bit {bit} of byte {place}"
            assert [each.getMessage() for each in caplog.records] == [
                f"{path}: does not verify; the corpus is read again"
            ]
            assert not path.exists()
    path.write_bytes(whole)
    assert load_facts(path) == kept


def test_a_memo_of_another_corpus_is_not_believed(tmp_path: Path) -> None:
    save_facts(tmp_path / "one.json", facts(document("a")))
    assert load_facts((tmp_path / "one.json").rename(tmp_path / "other.json")) is None


def test_a_memo_without_checksum_is_made_anew_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "memo.json"
    path.write_text(json.dumps({"schema": 1, "facts": asdict(facts(document("a")))}))
    assert load_facts(path) is None
    assert not caplog.records


def test_a_cache_that_cannot_be_written_is_an_error(cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(StorageError):
        save_facts(memo_path(["x"]), facts(document("a")))
