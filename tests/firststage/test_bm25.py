from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rerankbench.errors import InputError, UsageError
from rerankbench.firststage import bm25
from rerankbench.firststage.analysis import LuceneEnglish
from rerankbench.progress import Silent
from rerankbench.protocols import FirstStage
from rerankbench.types import Json, Ranking

from .stubs import InMemory, Recorder

TEXTS = ["red fox", "red red dog", "blue whale in the sea", "", "the of", "dog and dog and fox"]


def retrieve(
    cache: Path,
    collection: InMemory,
    arguments: Mapping[str, Json] | None = None,
    depth: int = 10,
) -> list[Ranking]:
    stage: FirstStage = bm25.create(arguments or {}, cache)
    found = stage.retrieve(collection, collection.queries(), depth, progress=Silent())
    return list(found)


def ids(ranking: Ranking) -> list[str]:
    return [hit.doc_id for hit in ranking.hits]


def by_hand(texts: list[str], query: str, k1: float, b: float) -> dict[int, float]:
    """Scores by Lucene's formula in plain loops, for texts short enough to have exact lengths."""
    analyzer = LuceneEnglish()
    documents = [analyzer.terms(text) for text in texts]
    filled = [document for document in documents if document]
    average = sum(map(len, filled)) / len(filled)
    scores: dict[int, float] = defaultdict(float)
    for term in analyzer.terms(query):
        df = sum(term in document for document in documents)
        for row, document in enumerate(documents):
            tf = document.count(term)
            if tf:
                idf = math.log(1 + (len(filled) - df + 0.5) / (df + 0.5))
                scores[row] += idf * tf / (tf + k1 * (1 - b + b * len(document) / average))
    return dict(scores)


sentences = st.lists(
    st.text(alphabet="xyzw ", max_size=20).filter(lambda text: bool(text.strip())) | st.just(""),
    min_size=1,
    max_size=12,
).filter(any)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sentences,
    st.text(alphabet="xyzwv ", max_size=12),
    st.sampled_from([0.0, 0.9, 1.2]),
    st.sampled_from([0.0, 0.4, 1.0]),
)
def test_scores_are_those_of_the_formula(
    tmp_path: Path, texts: list[str], query: str, k1: float, b: float
) -> None:
    collection = InMemory(texts, [query])
    (ranking,) = retrieve(tmp_path, collection, {"k1": k1, "b": b}, depth=100)
    expected = {f"d{row}": score for row, score in by_hand(texts, query, k1, b).items()}
    assert ranking.scores() == pytest.approx(expected, rel=1e-5)
    # A smaller depth is a beginning of the same ranking, ties at the cut included.
    for depth in range(1, 4):
        (cut,) = retrieve(tmp_path, collection, {"k1": k1, "b": b}, depth)
        assert cut.hits == ranking.hits[:depth]


def test_a_term_said_twice_counts_twice(tmp_path: Path) -> None:
    once, twice = retrieve(tmp_path, InMemory(TEXTS, ["fox", "fox foxes"]))
    assert twice.hits[0].score == pytest.approx(2 * once.hits[0].score)


def test_only_documents_that_share_a_term_are_hits(tmp_path: Path) -> None:
    rankings = retrieve(tmp_path, InMemory(TEXTS, ["red", "the", "unheard", ""]))
    assert sorted(ids(rankings[0])) == ["d0", "d1"]
    assert [ranking.hits for ranking in rankings[1:]] == [(), (), ()]
    assert [ranking.query_id for ranking in rankings] == ["q0", "q1", "q2", "q3"]


def test_ties_fall_by_doc_id_also_at_the_cut(tmp_path: Path) -> None:
    collection = InMemory(["fox"] * 5, ["fox"], doc_ids=["3", "10", "2", "b", "a"])
    assert ids(retrieve(tmp_path, collection, depth=3)[0]) == ["b", "a", "3"]


def test_flat_reads_title_and_text_as_one(tmp_path: Path) -> None:
    titled = InMemory([("red", "fox"), ("", "blue")], ["red fox"])
    plain = InMemory(["red fox", "blue"], ["red fox"])
    assert retrieve(tmp_path, titled) == retrieve(tmp_path, plain)


def test_multifield_adds_the_scores_of_title_and_text(tmp_path: Path) -> None:
    titles, bodies = ["fox", "", "red dog"], ["red fox", "dog", ""]
    collection = InMemory(list(zip(titles, bodies, strict=True)), ["red fox dog"])
    (ranking,) = retrieve(tmp_path, collection, {"fields": "multifield"})
    parts = [by_hand(texts, "red fox dog", 0.9, 0.4) for texts in (titles, bodies)]
    total = {f"d{row}": sum(part.get(row, 0.0) for part in parts) for row in range(3)}
    assert ranking.scores() == pytest.approx(total, rel=1e-5)


def test_multifield_works_without_any_title(tmp_path: Path) -> None:
    collection = InMemory(TEXTS, ["red fox"])
    flat = retrieve(tmp_path, collection)
    assert retrieve(tmp_path, collection, {"fields": "multifield"}) == flat


def test_many_queries_keep_their_order_and_are_counted(tmp_path: Path) -> None:
    collection = InMemory(TEXTS, ["red", "dog"] * 100)
    recorder = Recorder()
    stage = bm25.create({}, tmp_path)
    found = stage.retrieve(collection, collection.queries(), 1, progress=recorder)
    assert [ids(ranking) for ranking in found] == [["d1"], ["d5"]] * 100
    assert recorder.done == {"indexing tiny": len(TEXTS), "searching with BM25": 200}


def test_the_index_is_kept(tmp_path: Path) -> None:
    collection = InMemory(TEXTS, ["red dog"])
    first = retrieve(tmp_path, collection)
    again = InMemory(TEXTS, ["red dog"])
    assert retrieve(tmp_path, again) == first
    assert (collection.readings, again.readings) == (1, 0)


@pytest.mark.parametrize("change", [{"k1": 1.2}, {"b": 0.5}, {"fields": "multifield"}])
def test_other_parameters_have_another_index(tmp_path: Path, change: dict[str, Json]) -> None:
    collection = InMemory(TEXTS, ["red"])
    retrieve(tmp_path, collection)
    retrieve(tmp_path, collection, change)
    assert collection.readings == 2
    assert len(list((tmp_path / "indexes").iterdir())) == 2


def test_another_corpus_has_another_index(tmp_path: Path) -> None:
    retrieve(tmp_path, InMemory(TEXTS, ["red"]))
    assert ids(retrieve(tmp_path, InMemory(["red"], ["red"]))[0]) == ["d0"]


def test_a_damaged_index_is_built_again(tmp_path: Path) -> None:
    collection = InMemory(TEXTS, ["red dog"])
    first = retrieve(tmp_path, collection)
    (folder,) = (tmp_path / "indexes").iterdir()
    data = folder / "data.csc.index.npy"
    data.write_bytes(data.read_bytes()[:-3])
    recorder = Recorder()
    stage = bm25.create({}, tmp_path)
    assert stage.retrieve(collection, collection.queries(), 10, progress=recorder) == first
    assert collection.readings == 2
    (warning,) = recorder.warned
    assert "data.csc.index.npy has changed since it was written; it is built again" in warning
    retrieve(tmp_path, collection)
    assert collection.readings == 2


@pytest.mark.parametrize("texts", [[], ["", "the of"]])
def test_a_collection_without_words_is_refused(tmp_path: Path, texts: list[str]) -> None:
    with pytest.raises(InputError, match="memory: no document holds a word"):
        retrieve(tmp_path, InMemory(texts, ["red"]))
    assert not (tmp_path / "indexes").exists()


def test_the_description_holds_all_parameters(tmp_path: Path) -> None:
    stage = bm25.create({"k1": "1.2", "fields": "multifield"}, tmp_path)
    assert stage.describe() == {
        "engine": "bm25s",
        "method": "lucene",
        "k1": 1.2,
        "b": 0.4,
        "lengths": "lucene-one-byte",
        "analyzer": "lucene-english/1",
        "fields": "multifield",
    }
    json.dumps(stage.describe())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 1}, "unknown key 'k'; "),
        ({"b": 2}, "'b' must be less than or equal to 1 (given: 2)"),
        ({"k1": "-1"}, "'k1' must be greater than or equal to 0 (given: '-1')"),
        ({"fields": "title"}, "'fields' must be one of flat, multifield (given: 'title')"),
        ({"analyzer": "lucene-englisch"}, "'analyzer' must be one of lucene-english"),
    ],
)
def test_arguments_that_cannot_be_are_refused(
    tmp_path: Path, arguments: dict[str, Json], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        bm25.create(arguments, tmp_path)
    assert message in str(caught.value)
