"""BEIR folders: layout, splits, strictness, equal content from unequal files, laziness."""

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.collections import beir_folder
from rerankbench.collections.beir_folder import open_collection
from rerankbench.collections.jsonl import JsonlEntry, read_entries
from rerankbench.collections.reading import CheckedCollection
from rerankbench.errors import InputError
from rerankbench.files.texts import id_problem
from rerankbench.protocols import Collection
from rerankbench.types import Document, Query

WriteFolder = Callable[..., Path]
JUDGED = "q1\td2\t1\nq2\td1\t2\n"


def lines(entries: Sequence[Mapping[str, object]]) -> str:
    return "".join(json.dumps(entry) + "\n" for entry in entries)


def test_a_folder_gives_its_documents_queries_and_qrels(write_folder: WriteFolder) -> None:
    collection = open_collection(str(write_folder()), None)
    assert isinstance(collection, Collection)
    assert (collection.name, collection.source, collection.split) == ("tiny", "tiny", "test")
    assert list(collection.documents()) == [
        Document(doc_id="d1", title="Tides", text="The moon pulls the sea."),
        Document(doc_id="d2", title="", text="Naïve café — ünïcode 🙂"),
        Document(doc_id="3", title="", text="An id that is a number, and no title."),
    ]
    assert list(collection.queries()) == [
        Query(query_id="q2", text="moon and sea"),
        Query(query_id="q1", text="café"),
    ]
    assert collection.qrels() == {"q1": {"d2": 1}, "q2": {"d1": 2, "3": 0}}
    assert collection.document_count() == 3
    assert collection.warnings() == ()


def test_gzip_and_line_ends_change_nothing(write_folder: WriteFolder) -> None:
    plain = open_collection(str(write_folder("plain")), None)
    for other in (
        open_collection(str(write_folder("gz", gzipped=True)), None),
        open_collection(str(write_folder("crlf", newline="\r\n")), None),
        open_collection(str(write_folder("crlf-gz", newline="\r\n", gzipped=True)), None),
    ):
        assert other.hashes() == plain.hashes()
        assert list(other.documents()) == list(plain.documents())
        assert list(other.queries()) == list(plain.queries())
        assert other.qrels() == plain.qrels()
        assert other.lookup({"3", "d1"}) == plain.lookup({"3", "d1"})


def test_other_content_has_other_hashes(write_folder: WriteFolder) -> None:
    base = open_collection(str(write_folder("a")), None).hashes()
    corpus = '{"_id": "d1", "text": "else"}\n'
    queries = '{"_id": "q1", "text": "else"}\n'
    qrels = {"test": "q1\td2\t1\n"}
    changed = (
        open_collection(str(write_folder("b", corpus=corpus)), None).hashes(),
        open_collection(str(write_folder("c", queries=queries)), None).hashes(),
        open_collection(str(write_folder("d", splits=qrels)), None).hashes(),
    )
    assert [base.corpus == other.corpus for other in changed] == [False, True, True]
    assert [base.queries == other.queries for other in changed] == [True, False, False]
    assert [base.qrels == other.qrels for other in changed] == [True, True, False]


@pytest.mark.parametrize(
    ("splits", "wanted", "chosen"),
    [
        (("dev", "test", "train"), None, "test"),
        (("dev",), None, "dev"),
        (("dev", "test"), "dev", "dev"),
    ],
)
def test_the_split_is_test_or_the_only_one_or_the_named_one(
    write_folder: WriteFolder, splits: tuple[str, ...], wanted: str | None, chosen: str
) -> None:
    folder = write_folder(splits=dict.fromkeys(splits, "q1\td2\t1\n"))
    (folder / "qrels" / "._test.tsv").write_bytes(b"a Mac's shadow file")
    assert open_collection(str(folder), wanted).split == chosen


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (None, "qrels: several splits, none of them 'test'; name one of: dev, train"),
        ("test", "qrels: no split 'test'; there is: dev, train"),
    ],
)
def test_a_split_that_is_not_there_names_those_that_are(
    write_folder: WriteFolder, wanted: str | None, message: str
) -> None:
    folder = write_folder(splits=dict.fromkeys(("dev", "train"), "q1\td2\t1\n"))
    with pytest.raises(InputError, match=message):
        open_collection(str(folder), wanted)


def test_missing_parts_are_all_named(write_folder: WriteFolder, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_collection(str(tmp_path / "nowhere"), None)
    folder = write_folder(corpus=None)
    with pytest.raises(InputError, match=r"tiny: has no corpus\.jsonl; a BEIR folder has"):
        open_collection(str(folder), None)
    with pytest.raises(InputError, match="is a file, not a folder"):
        open_collection(str(folder / "queries.jsonl"), None)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"has no corpus\.jsonl, queries\.jsonl, qrels/\*\.tsv"):
        open_collection(str(empty), None)


def test_repeated_documents_are_refused_naming_both_lines(write_folder: WriteFolder) -> None:
    corpus = '{"_id": "a"}\n\n{"_id": "b"}\n{"_id": "a", "text": "again"}\n'
    collection = open_collection(str(write_folder(corpus=corpus)), None)
    with pytest.raises(InputError, match=r"corpus\.jsonl:4: document id 'a' is already on line 1"):
        collection.hashes()
    with pytest.raises(InputError, match="already on line 1"):
        list(collection.documents())


def test_repeated_queries_are_refused_naming_both_lines(write_folder: WriteFolder) -> None:
    queries = '{"_id": "q1", "text": "x"}\n{"_id": "q1", "text": "y"}\n'
    collection = open_collection(str(write_folder(queries=queries)), None)
    with pytest.raises(InputError, match=r"queries\.jsonl:2: query id 'q1' is already on line 1"):
        collection.queries()


def test_a_shared_hash_is_no_repeated_id(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rerankbench.collections.content.hash", lambda value: 1, raising=False)
    monkeypatch.setattr(beir_folder, "hash", lambda value: 1, raising=False)
    assert open_collection(str(write_folder()), None).hashes()


@pytest.mark.parametrize("gzipped", [False, True])
def test_an_empty_corpus_is_refused(write_folder: WriteFolder, gzipped: bool) -> None:
    collection = open_collection(str(write_folder(corpus="\n", gzipped=gzipped)), None)
    with pytest.raises(InputError, match=r"corpus\.jsonl.*: has no documents"):
        collection.hashes()


def test_queries_that_no_split_judges_are_refused(write_folder: WriteFolder) -> None:
    collection = open_collection(str(write_folder(queries='{"_id": "z", "text": "x"}\n')), None)
    with pytest.raises(InputError, match=r"queries\.jsonl: has none of the queries that .*qrels"):
        collection.queries()


@pytest.mark.parametrize(
    ("part", "body"),
    [
        ("corpus", b'{"_id": "a"}\n{"_id": "b", "te'),
        ("corpus", b'{"_id": "a"}\n\x89PNG\r\n\x1a\n\x00'),
        ("queries", b'{"_id": "q1", "text": "x"}\n{"_id": "q 2", "text": "y"}\n'),
        ("splits", {"test": b"q1\td2\t1\nq1\td3\tgood\n"}),
    ],
)
def test_a_malformed_part_is_refused_at_its_line(
    write_folder: WriteFolder, part: str, body: object
) -> None:
    collection = open_collection(str(write_folder(**{part: body})), None)
    with pytest.raises(InputError, match=r"(corpus\.jsonl|queries\.jsonl|test\.tsv):2: "):
        collection.hashes()


def test_a_broken_gzip_stream_is_refused(write_folder: WriteFolder) -> None:
    folder = write_folder(gzipped=True)
    path = folder / "corpus.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InputError, match=r"corpus\.jsonl\.gz:\d+: the gzip stream is broken"):
        open_collection(str(folder), None).hashes()


def test_oddities_are_counted_and_told_with_an_example(write_folder: WriteFolder) -> None:
    folder = write_folder(
        corpus='{"_id": "a", "text": " "}\n{"_id": "b", "text": "half \\ud83d pair"}\n',
        queries='{"_id": "q1", "text": ""}\n{"_id": "q2", "text": "pair"}\n',
        splits={"test": "q1\ta\t1\nq1\tx\t1\nq2\tb\t1\nq7\ta\t1\n"},
    )
    expected = (
        "1 judged query ids have no text and score 0 (first: 'q7')",
        "1 query texts are empty (first: 'q1')",
        "1 documents are empty (first: 'a')",
        "1 documents hold broken characters (lone surrogates), read as U+FFFD (first: 'b')",
        "1 judged document ids are not in the corpus (first: 'x')",
    )
    first = open_collection(str(folder), None)
    assert first.warnings() == ()
    first.hashes()
    assert first.warnings() == expected
    assert first.qrels().keys() == {"q1", "q2", "q7"}
    assert first.lookup({"b"})["b"].text == "half \ufffd pair"
    again = open_collection(str(folder), None)
    again.hashes()
    assert again.warnings() == expected, "a remembered corpus warns like one that is read"


@pytest.mark.parametrize(
    ("name", "drops"), [("arguana", True), ("quora", True), ("Quora", True), ("fever", False)]
)
def test_well_known_names_keep_their_rule(
    write_folder: WriteFolder, name: str, drops: bool
) -> None:
    assert open_collection(str(write_folder(name)), None).drops_identical_ids is drops


@pytest.mark.parametrize(
    "key", ["contents", "body", "passage", "_text", "Text", "document", "page_content"]
)
def test_bodies_under_another_key_are_refused_beside_titles(
    write_folder: WriteFolder, key: str
) -> None:
    corpus = lines([{"_id": f"d{n}", "title": "Tides", key: f"moon {n}"} for n in range(3)])
    with pytest.raises(InputError) as caught:
        open_collection(str(write_folder(corpus=corpus, gzipped=key == "body")), None).hashes()
    message = str(caught.value)
    assert f'no document has a "text", but \'d0\' has words under "{key}"' in message
    assert 'call that key "text", or: rerankbench convert ' in message


@pytest.mark.parametrize("body", ["two words", ["two", "words"]])
def test_bodies_under_an_unheard_of_key_are_refused_without_titles(
    write_folder: WriteFolder, body: object
) -> None:
    corpus = lines([{"_id": "d1", "blurb": body}, {"_id": "d2", "text": None, "blurb": body}])
    with pytest.raises(InputError, match='has words under "blurb"; call that key "text"'):
        open_collection(str(write_folder(corpus=corpus)), None).hashes()


def test_titles_alone_are_a_caution_where_the_other_key_may_be_a_remark(
    write_folder: WriteFolder,
) -> None:
    corpus = lines([{"_id": n, "title": "Tides", "curator": "Ada of Ys"} for n in ("d1", "d2")])
    folder = str(write_folder(corpus=corpus))
    for collection in (open_collection(folder, None), open_collection(folder, None)):
        collection.hashes()
        expected = 'no document has a "text", only titles are read; "curator" is not'
        assert expected in collection.warnings(), "also where the corpus is remembered"


def test_some_bodies_under_another_key_are_counted(write_folder: WriteFolder) -> None:
    bodies = [{"_id": f"d{n}", "text" if n < 7 else "contents": "the moon"} for n in range(1, 9)]
    collection = open_collection(str(write_folder(corpus=lines(bodies))), None)
    collection.hashes()
    (told,) = (line for line in collection.warnings() if "contents" in line)
    assert told == (
        '2 documents have no "text" but words under "contents", which is not read (first: \'d7\')'
    )


def test_a_body_of_blanks_is_none(write_folder: WriteFolder) -> None:
    corpus = lines([{"_id": "d1", "title": "Tides", "text": " \n", "contents": "the moon"}])
    with pytest.raises(InputError, match="'d1' has words under \"contents\""):
        open_collection(str(write_folder(corpus=corpus)), None).hashes()


@pytest.mark.parametrize("outer", ["metadata", "document", "fields"])
def test_a_body_within_another_object_is_found(write_folder: WriteFolder, outer: str) -> None:
    entry: dict[str, object] = {"title": "Tides", outer: {"text": "the moon", "by": "Ada of Ys"}}
    folder = write_folder(corpus=lines([{"_id": "d1", **entry}, {"_id": "d2", **entry}]))
    with pytest.raises(InputError, match=f"'d1' has words under \"{outer}.text\""):
        open_collection(str(folder), None).hashes()


def test_titles_with_addresses_and_no_text_are_no_oddity(write_folder: WriteFolder) -> None:
    entry: dict[str, object] = {
        "title": "Tides",
        "text": "",
        "url": "https://example.org",
        "metadata": {"a": "b c"},
    }
    corpus = lines([{"_id": name, **entry} for name in ("d1", "d2", "3")])
    collection = open_collection(str(write_folder(corpus=corpus)), None)
    collection.hashes()
    assert collection.warnings() == ()


@pytest.mark.parametrize("key", ["query", "question", "_text", "title"])
def test_queries_under_another_key_are_refused(write_folder: WriteFolder, key: str) -> None:
    queries = lines([{"_id": "q1", key: "the moon"}, {"_id": "q2", key: "the sea"}])
    with pytest.raises(InputError) as caught:
        open_collection(str(write_folder(queries=queries)), None).queries()
    assert f'no judged query has a text; "{key}" holds words and is not read' in str(caught.value)


def test_some_queries_under_another_key_are_told(write_folder: WriteFolder) -> None:
    queries = lines([{"_id": "q1", "query": "the moon"}, {"_id": "q2", "text": "the sea"}])
    collection = open_collection(str(write_folder(queries=queries)), None)
    collection.queries()
    expected = "1 query texts are empty (first: 'q1'); \"query\" holds words and is not read"
    assert collection.warnings() == (expected,)


def test_ids_that_queries_and_documents_share_are_compared_by_text(
    write_folder: WriteFolder,
) -> None:
    long = "being out on the moor in winter is a risk that few would take lightly"
    documents = [
        {"_id": "same", "title": "Tides", "text": "The  moon pulls\nthe sea."},
        {"_id": "titled", "title": "Salt", "text": "marsh birds"},
        {"_id": "joined", "text": f"Winter moors. {long}"},
        {"_id": "longer", "text": "copper pipe corrosion, and how it is stopped"},
        {"_id": "7", "text": "an essay on violins"},
        {"_id": "other", "text": "lunar tables"},
    ]
    asked = {
        "same": "the moon pulls the sea",
        "titled": "salt marsh birds",
        "joined": long,
        "longer": "how it is stopped",
        "7": "what is granite",
        "q": "lunar tables",
    }
    collection = open_collection(
        str(
            write_folder(
                corpus=lines(documents),
                queries=lines([{"_id": key, "text": text} for key, text in asked.items()]),
                splits={"test": "".join(f"{key}\tother\t1\n" for key in asked)},
            )
        ),
        None,
    )
    assert isinstance(collection, CheckedCollection)
    expected = {"7": False, "joined": True, "longer": False, "same": True, "titled": True}
    assert collection.identical_ids() == expected


def test_the_level_of_relevance_follows_name_and_split(write_folder: WriteFolder) -> None:
    splits = {"test": JUDGED, "dev": JUDGED}
    levels = {
        (name, split): getattr(
            open_collection(str(write_folder(name, splits=splits)), split), "relevance_level", 1
        )
        for name in ("msmarco", "trec-dl-2019", "TREC_DL_2020-judged", "dl19", "fever", "dl191")
        for split in ("test", "dev")
    }
    assert {key for key, level in levels.items() if level == 2} == {
        ("msmarco", "test"),
        *((name, s) for name in ("trec-dl-2019", "TREC_DL_2020-judged", "dl19") for s in splits),
    }
    assert set(levels.values()) == {1, 2}


def test_names_of_folders(
    write_folder: WriteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forum = write_folder("cqadupstack/android")
    assert open_collection(str(forum), None).name == "cqadupstack-android"
    monkeypatch.chdir(write_folder("here"))
    assert open_collection(".", None).name == "here"
    assert open_collection("../here/", None).name == "here"


def counted(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Makes every reading of a file by entries leave its path in the list."""
    read: list[Path] = []

    def counting(path: Path) -> Iterator[JsonlEntry]:
        read.append(path)
        return read_entries(path)

    monkeypatch.setattr(beir_folder, "read_entries", counting)
    return read


def test_an_unchanged_corpus_is_read_for_its_hash_only_once(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder()
    corpus, read = folder / "corpus.jsonl", counted(monkeypatch)
    hashes = open_collection(str(folder), None).hashes()
    assert read.count(corpus) == 1
    second = open_collection(str(folder), None)
    assert second.hashes() == hashes
    assert second.document_count() == 3
    assert read.count(corpus) == 1, "a second object, as in a second run, does not read it"
    status = corpus.stat()
    os.utime(corpus, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    changed = open_collection(str(folder), None)
    assert changed.document_count() is None
    assert changed.hashes() == hashes
    assert read.count(corpus) == 2


def test_reading_all_documents_spares_the_hash_its_pass(
    write_folder: WriteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder()
    read = counted(monkeypatch)
    collection = open_collection(str(folder), None)
    assert len(list(collection.documents())) == 3
    collection.hashes()
    assert read.count(folder / "corpus.jsonl") == 1


def test_documents_come_as_they_are_read(write_folder: WriteFolder) -> None:
    corpus = '{"_id": "a", "text": "x"}\nnot reached before it is asked for\n'
    documents = open_collection(str(write_folder(corpus=corpus)), None).documents()
    assert next(documents).doc_id == "a"
    with pytest.raises(InputError, match=r"corpus\.jsonl:2"):
        next(documents)


@pytest.mark.parametrize("gzipped", [False, True])
def test_no_pass_and_no_lookup_holds_all_texts(write_folder: WriteFolder, gzipped: bool) -> None:
    corpus = "".join(json.dumps({"_id": f"d{i}", "text": "x" * 100_000}) + "\n" for i in range(99))
    collection = open_collection(str(write_folder(corpus=corpus, gzipped=gzipped)), None)
    tracemalloc.start()
    collection.hashes()
    found = collection.lookup({"d7"})
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found["d7"].text == "x" * 100_000
    assert peak_bytes < 3_000_000 < len(corpus)


def test_lookup_knows_only_what_exists(write_folder: WriteFolder) -> None:
    for gzipped in (False, True):
        folder = write_folder(f"gz-{gzipped}", gzipped=gzipped)
        collection = open_collection(str(folder), None)
        assert collection.lookup(["d2", "nobody", "d2"]) == {
            "d2": Document(doc_id="d2", title="", text="Naïve café — ünïcode 🙂")
        }
        assert collection.lookup([]) == {}


ids = st.text(min_size=1, max_size=8).filter(lambda text: not id_problem(text))
documents = st.lists(
    st.tuples(ids, st.text(), st.text()), min_size=1, max_size=6, unique_by=lambda parts: parts[0]
)


@given(parts=documents, ascii_only=st.booleans(), gzipped=st.booleans())
def test_any_documents_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[tuple[str, str, str]],
    ascii_only: bool,
    gzipped: bool,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    expected = [Document(doc_id=a, title=b, text=c) for a, b, c in parts]
    body = "".join(
        json.dumps({"_id": a, "title": b, "text": c}, ensure_ascii=ascii_only) + "\n"
        for a, b, c in parts
    ).encode()
    (folder / "corpus.jsonl").write_bytes(gzip.compress(body) if gzipped else body)
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "x"}\n')
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("q\td\t1\n")
    collection = open_collection(str(folder), None)
    assert list(collection.documents()) == expected
    assert collection.lookup([a for a, _, _ in parts]) == {doc.doc_id: doc for doc in expected}
