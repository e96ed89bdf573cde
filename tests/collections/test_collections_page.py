"""The page on collections: its examples are the starter's, its refusals what is really said.

`python -m tests.collections.test_collections_page` writes the refusals in the page anew.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from rerankbench.collections.beir_folder import open_collection
from rerankbench.errors import InputError
from rerankbench.gate.init import starter
from rerankbench.known import collections

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "collections.md"
START = "<!-- written by python -m tests.collections.test_collections_page -->\n"
GOOD: Mapping[str, str] = {
    "corpus.jsonl": '{"_id": "d1", "title": "", "text": "a"}\n{"_id": "d2", "text": "b"}\n',
    "queries.jsonl": '{"_id": "q1", "text": "a?"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
}
REFUSED = (
    ("corpus.jsonl", '{"id": "d1", "text": "a"}'),
    ("corpus.jsonl", '{"_id": "d1", "contents": "the words"}'),
    ("corpus.jsonl", '{"_id": "d1", "text": ["a", "b"]}'),
    ("corpus.jsonl", '{"_id": "d1", "text": "a"'),
    ("corpus.jsonl", '[{"_id": "d1", "text": "a"}]'),
    ("corpus.jsonl", '{"_id": "d 1", "text": "a"}'),
    ("corpus.jsonl", '{"_id": "d1", "text": "a"}\n{"_id": "d1", "text": "b"}'),
    ("corpus.jsonl", ""),
    ("queries.jsonl", '{"_id": "q7", "text": "a?"}'),
    ("queries.jsonl", '{"_id": "q1", "query": "a?"}'),
    ("qrels/test.tsv", "q1\td1\t0.5"),
    ("qrels/test.tsv", "q1,d1,1"),
    ("qrels/test.tsv", "corpus-id\tquery-id\tscore\nd1\tq1\t1"),
    ("qrels/test.tsv", "q1\td1\t1\nq1\td1\t0"),
    ("qrels/test.tsv", None),
    ("qrels/dev.tsv", None),
)
"""File and what it holds; None: it is not there."""


def _refusals() -> str:
    with tempfile.TemporaryDirectory() as place:
        lines = [_refusal(Path(place) / str(at), *case) for at, case in enumerate(REFUSED)]
    return "".join(lines)


def _refusal(place: Path, part: str, body: str | None) -> str:
    """A file, and what is said of it where the folder is called `ours`."""
    folder = place / "ours"
    parts = {**GOOD, part: body}
    if part == "qrels/dev.tsv":
        parts = {**GOOD, "qrels/test.tsv": None, part: "q1\td1\t1", "qrels/train.tsv": "q1\td1\t1"}
    for name, text in parts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            (folder / name).write_text(text)
    with pytest.raises(InputError) as caught:
        opened = open_collection(str(folder), None)
        opened.hashes()
    told = str(caught.value).replace(f"{place}/", "")
    assert "\n" not in told
    shown = "nothing" if body is None else body.replace("\t", "⇥").replace("\n", " ⏎ ")
    if body is None:
        title = "two splits and no `test`" if part == "qrels/dev.tsv" else f"no {part}"
    else:
        title = f"{part}: `{shown}`" if shown else f"{part}: nothing"
    return f"- {title}\n  <br>→ *{_plain(told)}*\n"


def _plain(told: str) -> str:
    """As Markdown shows it letter by letter."""
    return re.sub(r"([*_<>\[\]])", r"\\\1", told)


def _page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return f"{text[: text.index(START)]}{START}\n{_refusals()}"


def test_what_the_page_says_of_mistakes_is_what_is_said() -> None:
    assert _page() == PAGE.read_text(encoding="utf-8")


def test_the_starter_is_read_and_its_first_lines_stand_on_the_page(tmp_path: Path) -> None:
    page = PAGE.read_text()
    for part in starter.PARTS:
        (shown,) = re.findall(
            rf"<!-- the starter's {re.escape(part)} -->\n\n```\w+\n(.*?)```", page, re.S
        )
        assert starter.text(part).startswith(shown)
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_text(starter.text(part))
    opened = open_collection(str(tmp_path), None)
    judged = {doc_id for grades in opened.qrels().values() for doc_id in grades}
    assert judged <= {document.doc_id for document in opened.documents()}
    assert opened.warnings() == ()
    assert len(opened.queries()) == len(opened.qrels())


@pytest.mark.parametrize(
    "accepted",
    [
        "q1\td1\t1\n",
        "q1 0 d1 1\n",
        "q1 d1 1.0\n",
        "qid\tdocid\tgrade\nq1\td1\t1\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\n\r\nq1\td1\t1\r\n",
    ],
)
def test_forms_of_judgments_that_the_page_names_are_the_same(
    tmp_path: Path, accepted: str
) -> None:
    for part, body in {**GOOD, "qrels/test.tsv": accepted}.items():
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_bytes(body.encode())
    assert open_collection(str(tmp_path), None).qrels() == {"q1": {"d1": 1}}


def test_keys_of_the_examples_are_those_of_the_tables() -> None:
    page = PAGE.read_text()
    document, query = map(json.loads, re.findall(r"^(\{.*\})$", page, re.M))
    named = re.findall(r"^\| `(\w+)` \|", page, re.M)
    assert list(document) == named
    assert set(query) < set(named)


def test_names_that_the_page_gives_are_known() -> None:
    page = PAGE.read_text()
    (listed,) = re.findall(r"\*\*a known name\*\*: (.*?) …", page, re.S)
    names = re.findall(r"`([\w/-]+)`", listed)
    assert len(names) == 4
    ids = {each for entry in collections.known() for each in (entry.slug, *entry.aliases)}
    assert set(names) <= ids


if __name__ == "__main__":
    PAGE.write_text(_page(), encoding="utf-8")
