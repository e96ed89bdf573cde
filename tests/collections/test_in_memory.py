"""Collections as mappings: read, hashed and refused as folders are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rerankbench import registry
from rerankbench.errors import InputError
from rerankbench.registry import naming

PARTS: dict[str, Any] = {
    "queries": {"q1": "tides", "q2": "moons"},
    "corpus": {"d1": "the moon", "d2": {"title": "Tides", "text": "rise"}, "d3": {"text": "fall"}},
    "qrels": {"q1": {"d2": 2}, "q2": {"d1": 1, "d3": 0}},
}


def _open(**parts: Any) -> Any:
    return registry.load("objects", "collection")({**PARTS, **parts})


def _folder(folder: Path) -> Path:
    """The same content as files, written by hand."""
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "text": "the moon"}\n'
        '{"_id": "d2", "title": "Tides", "text": "rise"}\n'
        '{"_id": "d3", "text": "fall"}\n'
    )
    (folder / "queries.jsonl").write_text(
        '{"_id": "q1", "text": "tides"}\n{"_id": "q2", "text": "moons"}\n'
    )
    (folder / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\nq1\td2\t2\nq2\td1\t1\nq2\td3\t0\n"
    )
    return folder


def test_it_holds_what_a_folder_of_the_same_content_holds(tmp_path: Path) -> None:
    ours, folder = _open(), naming.open_collection(str(_folder(tmp_path / "f")))
    assert ours.hashes() == folder.hashes()
    assert list(ours.documents()) == list(folder.documents())
    assert ours.queries() == folder.queries()
    assert ours.qrels() == folder.qrels()
    assert ours.document_count() == 3
    assert ours.lookup({"d2", "d9"}) == folder.lookup({"d2", "d9"})
    assert (ours.name, ours.split, ours.warnings()) == ("in-memory", "test", ())


def test_it_warns_of_what_a_folder_warns_of() -> None:
    odd = _open(corpus={**PARTS["corpus"], "d4": ""}, qrels={**PARTS["qrels"], "q9": {"d7": 1}})
    odd.hashes()
    assert [re.sub(r"^\d+ ", "", line) for line in odd.warnings()] == [
        "judged query ids have no text and score 0 (first: 'q9')",
        "documents are empty (first: 'd4')",
        "judged document ids are not in the corpus (first: 'd7')",
    ]


def test_later_changes_of_the_mappings_change_nothing() -> None:
    corpus = dict(PARTS["corpus"])
    opened = _open(corpus=corpus)
    before = opened.hashes()
    corpus["d1"] = "changed"
    assert opened.hashes() == before == _open().hashes()
    assert _open(corpus=corpus).hashes() != before


def test_ids_that_a_query_and_a_document_share_are_known() -> None:
    shared = _open(queries={"d1": "the moon", "q2": "m"}, qrels={"d1": {"d2": 1}, "q2": {"d1": 1}})
    assert shared.identical_ids() == {"d1": True}


def test_grades_come_from_numpy_too() -> None:
    opened = _open(qrels={"q1": {"d2": np.int64(2)}, "q2": {"d1": 1.0, "d3": np.float32(0)}})
    assert opened.hashes() == _open().hashes()
    assert all(
        type(grade) is int for grades in opened.qrels().values() for grade in grades.values()
    )


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"corpus": ["d1"]}, "corpus: is a list, not a mapping; give {"),
        ({"queries": {}}, "queries: is empty"),
        ({"qrels": {}}, "qrels: is empty"),
        ({"qrel": {}}, "the collection: has an unknown key 'qrel'"),
        ({"name": ""}, "the collection: 'name' is '', not a line of text"),
        ({"name": "a\nb"}, "the collection: 'name' is 'a\\nb', not a line of text"),
        ({"split": 3}, "the collection: 'split' is 3, not a line of text"),
        ({"corpus": {1: "x"}}, "corpus: the id 1 is a int, not a text; make all ids texts"),
        ({"corpus": {"a b": "x"}}, "corpus: the id 'a b' has white space"),
        ({"queries": {"": "x"}}, "queries: the id is empty"),
        ({"corpus": {"d1": 5}}, "corpus: 'd1' is a int, not a text"),
        (
            {"corpus": {"d1": {"body": "x"}}},
            "corpus: the document 'd1' has no 'text'; it has: body",
        ),
        ({"corpus": {"d1": {"text": None}}}, "corpus: 'd1' is a NoneType, not a text"),
        ({"queries": {"q1": None}}, "queries: 'q1' is a NoneType, not a text"),
        ({"qrels": {"q1": ["d1"]}}, "qrels: 'q1' is a list, not a mapping"),
        ({"qrels": {"q1": {3: 1}}}, "qrels: the id 3 is a int, not a text"),
        ({"qrels": {"q1": {"d1": 0.5}}}, "qrels: document 'd1' of query 'q1': grade '0.5' is not"),
        ({"qrels": {"q1": {"d1": True}}}, "qrels: document 'd1' of query 'q1': grade 'True'"),
        ({"qrels": {"q1": {"d1": float("nan")}}}, "grade 'nan' is not a whole number"),
    ],
)
def test_what_is_of_another_form_is_one_line(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=r"^[^\n]+$") as caught:
        _open(**parts)
    assert told in str(caught.value)


def test_judgments_of_other_queries_are_refused() -> None:
    opened = _open(qrels={"q7": {"d1": 1}})
    with pytest.raises(InputError, match="queries of in-memory: has none of the queries that"):
        opened.queries()


def test_a_part_that_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="the collection: has no 'qrels'"):
        registry.load("objects", "collection")({"queries": {}, "corpus": {}})
