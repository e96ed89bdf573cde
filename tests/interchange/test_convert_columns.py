"""Which column holds what, for headings of data sets that people have; and labels."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from rerankbench.errors import UsageError
from rerankbench.interchange.convert.columns import ColumnOptions, guess_rows
from rerankbench.interchange.convert.labels import Labels, parse_words
from rerankbench.interchange.convert.part_columns import guess_part

LISTED = {
    "sentence-transformers/msmarco-bm25, triplet": (
        "query positive negative",
        {"query": "query", "positive": "positive", "negative": "negative"},
    ),
    "sentence-transformers/all-nli, triplet": (
        "anchor positive negative",
        {"query": "anchor", "positive": "positive", "negative": "negative"},
    ),
    "tomaarsen/natural-questions-hard-negatives, triplet-5": (
        "query answer negative_1 negative_2 negative_3",
        {"query": "query", "positive": "answer", "negative": "negative_1, negative_2, negative_3"},
    ),
    "sentence-transformers/gooaq": (
        "question answer",
        {"query": "question", "positive": "answer"},
    ),
    "sentence-transformers/quora-duplicates, pair-class": (
        "sentence1 sentence2 label",
        {"query": "sentence1", "document": "sentence2", "label": "label"},
    ),
    "mine_hard_negatives, labeled-pair": (
        "query positive label",
        {"query": "query", "document": "positive", "label": "label"},
    ),
    "margins beside triples": (
        "query positive negative score",
        {"query": "query", "positive": "positive", "negative": "negative"},
    ),
    "FlagEmbedding": (
        "query pos neg pos_scores neg_scores prompt type",
        {"query": "query", "positive": "pos", "negative": "neg"},
    ),
    "Tevatron/msmarco-passage": (
        "query_id query positive_passages negative_passages",
        {
            "query": "query",
            "query id": "query_id",
            "positive": "positive_passages",
            "negative": "negative_passages",
        },
    ),
    "DPR": (
        "dataset question answers positive_ctxs negative_ctxs hard_negative_ctxs",
        {
            "query": "question",
            "positive": "positive_ctxs",
            "negative": "negative_ctxs, hard_negative_ctxs",
        },
    ),
    "microsoft/ms_marco": (
        "answers passages.is_selected passages.passage_text passages.url query query_id",
        {
            "query": "query",
            "query id": "query_id",
            "document": "passages.passage_text",
            "label": "passages.is_selected",
        },
    ),
    "rajpurkar/squad": (
        "id title context question answers.text answers.answer_start",
        {"query": "question", "positive": "context", "title": "title"},
    ),
    "a spreadsheet": (
        "Query-ID|Query Text|Doc ID|Passage Text|Relevance Grade",
        {
            "query": "Query Text",
            "query id": "Query-ID",
            "document": "Passage Text",
            "document id": "Doc ID",
            "label": "Relevance Grade",
        },
    ),
}


@pytest.mark.parametrize("name", LISTED)
def test_headings_of_known_data_sets(name: str) -> None:
    heading, expected = LISTED[name]
    columns = heading.split("|") if "|" in heading else heading.split()
    found = guess_rows(columns, ColumnOptions())
    assert dict(found.named()) == expected


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (ColumnOptions(label="b"), {"query": "query", "document": "text", "label": "b"}),
        (
            ColumnOptions(query="text", document="query", label="none"),
            {"query": "text", "positive": "query"},
        ),
        (
            ColumnOptions(positive=["text"], negative=["a", "b"]),
            {"query": "query", "positive": "text", "negative": "a, b"},
        ),
        (ColumnOptions(document="a"), {"query": "query", "document": "a", "label": "label"}),
    ],
)
def test_options_go_before_names(options: ColumnOptions, expected: Mapping[str, str]) -> None:
    columns = ("query", "text", "label", "a", "b")
    assert dict(guess_rows(columns, options).named()) == expected


def test_options_that_a_part_has_not_are_for_another() -> None:
    options = ColumnOptions(query="frage", document="absatz", query_id="nr")
    assert guess_part("queries", ("nr", "frage"), options).text == "frage"
    corpus = guess_part("corpus", ("_id", "absatz", "text"), options)
    assert (corpus.document_id, corpus.text) == ("_id", "absatz")
    with pytest.raises(UsageError, match=r"the label of the qrels .* name it: --label COLUMN"):
        guess_part("qrels", ("nr", "pid", "x"), options)


@pytest.mark.parametrize(
    ("value", "grade"),
    [
        (1, 1),
        (0, 0),
        (-1, -1),
        (3.0, 3),
        ("2", 2),
        (" 1.0 ", 1),
        ("1e0", 1),
        (Decimal("2"), 2),
        (True, 1),
        (False, 0),
        ("True", 1),
        ("no", 0),
        ("not_relevant", 0),
        ("Non-Relevant", 0),
        ("RELEVANT", 1),
        (None, None),
        ("", None),
        ("  ", None),
        ("NaN", None),
        (float("nan"), None),
        ("highly relevant", 3),
        ("Highly-Relevant", 3),
    ],
)
def test_labels_that_are_clear(value: object, grade: int | None) -> None:
    assert Labels(words=parse_words(["highly relevant=3"])).grade(value) == grade


@pytest.mark.parametrize(
    "value", [0.5, "0.5", "0,5", "maybe", "1 2", float("inf"), "-inf", "1e9", 10**40, [1], "0x1"]
)
def test_labels_that_are_not_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="; "):
        Labels().grade(value)


@pytest.mark.parametrize(
    ("value", "grade"), [(0.7, 1), ("0.7", 1), (0.69, 0), (1, 1), (0, 0), ("yes", 1), ("", None)]
)
def test_a_threshold_makes_two_grades(value: object, grade: int | None) -> None:
    assert Labels(threshold=0.7).grade(value) == grade
