"""Tasks: what is kept beside records, and that it comes back as it was."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import InputError, NewerFileError
from rerankbench.results.tasks import (
    SCHEMA,
    Task,
    Topic,
    is_whole,
    make_task,
    read_task,
    write_task,
)
from rerankbench.types import CandidateLists, Candidates, Document, Query

LISTS = CandidateLists(
    candidates=(
        Candidates(
            query=Query(query_id="q1", text="a  query of\tfive words"),
            documents=(
                Document(doc_id="d2", title="Two", text="words more"),
                Document(doc_id="d1", title="", text="one"),
            ),
        ),
        Candidates(query=Query(query_id="q2", text="unjudged"), documents=()),
    ),
)
QRELS = {"q1": {"d1": 1, "d9": 2}, "gone": {"d3": 1}}


def test_a_task_holds_candidates_in_order_and_every_judgment() -> None:
    task = make_task("key", LISTS, QRELS, keep_texts=True)
    first, second, last = task.topics
    assert (first.text, first.words) == ("a  query of\tfive words", 5)
    assert (first.candidates, first.document_words) == (("d2", "d1"), (3, 1))
    assert (second.grades, second.candidates) == ({}, ())
    assert (last.query_id, last.text, last.words) == ("gone", None, 0)
    assert {query: dict(grades) for query, grades in task.qrels().items() if grades} == QRELS


def test_texts_are_left_out_where_they_are_not_to_be_kept(tmp_path: Path) -> None:
    task = make_task("key", LISTS, QRELS, keep_texts=False)
    assert {topic.text for topic in task.topics} == {None}
    assert [topic.words for topic in task.topics] == [5, 1, 0]
    write_task(tmp_path / "t.json.gz", task)
    assert b"query of" not in gzip.decompress((tmp_path / "t.json.gz").read_bytes())


TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
TOPICS = st.builds(
    Topic,
    query_id=TEXTS,
    text=st.none() | TEXTS,
    words=st.integers(0, 99),
    grades=st.dictionaries(TEXTS, st.integers(-2, 4), max_size=3),
    candidates=st.lists(TEXTS, max_size=3).map(tuple),
    document_words=st.lists(st.integers(0, 999), max_size=3).map(tuple),
)


@given(st.lists(TOPICS, max_size=4).map(tuple))
def test_what_is_written_is_read(topics: tuple[Topic, ...]) -> None:
    task = Task(schema=SCHEMA, key="k", topics=topics)
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder, "one.json.gz"), Path(folder, "two.json.gz")
        write_task(one, task)
        write_task(two, task)
        assert read_task(one) == task
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"schema": 1}',
        b"\x1f\x8b\x08",
        b"\xff",
        b"[" * 100_000,
        gzip.compress(b"{}")[:-9],
        gzip.compress(b"{}")[:10] + b"\xff" * 9,
        gzip.compress(json.dumps({"schema": 1, "key": "k", "topics": [{}]}).encode()),
    ],
)
def test_a_damaged_file_is_named(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "t.json.gz").write_bytes(body)
    with pytest.raises(InputError, match=r"t\.json\.gz: is not a task; restore it"):
        read_task(tmp_path / "t.json.gz")


def test_a_newer_task_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(json.dumps({"schema": SCHEMA + 1, "topics": 3}))
    with pytest.raises(NewerFileError, match="upgrade rerankbench"):
        read_task(tmp_path / "t.json")


def test_no_flipped_bit_of_a_task_is_believed(tmp_path: Path) -> None:
    path, task = tmp_path / "t.json.gz", make_task("key", LISTS, QRELS, keep_texts=True)
    write_task(path, task)
    whole = path.read_bytes()
    refused = 0
    for place in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                assert read_task(path) == task, f"bit {bit} of byte {place}"
            except InputError:
                refused += 1
                assert not is_whole(path), f"bit {bit} of byte {place}"
    # Only the time stamp, flags without meaning and the name of the system may change.
    assert refused > 8 * (len(whole) - 10)
    path.write_bytes(whole)
    assert is_whole(path)
