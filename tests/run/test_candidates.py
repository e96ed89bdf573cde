"""Candidates: cut at depth, cached by content, with their texts."""

from __future__ import annotations

import gzip
import random
from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rerankbench.progress import Progress, Silent
from rerankbench.run import candidates
from rerankbench.types import CollectionHashes, Document, Hit, Json, Qrels, Query, Ranking

QUERIES = [Query(query_id="q1", text="one"), Query(query_id="q2", text="two")]

CONTENT = CollectionHashes(corpus="c", queries="q", qrels="r")


@dataclass
class Documents:
    """A collection of the named documents."""

    doc_ids: Sequence[str] = ()
    name: str = "tiny"
    source: str = "memory"
    split: str = "test"
    drops_identical_ids: bool = False
    content: CollectionHashes = CONTENT
    looked_up: list[set[str]] = field(default_factory=list)

    def hashes(self) -> CollectionHashes:
        return self.content

    def documents(self) -> Iterator[Document]:
        for doc_id in self.doc_ids:
            yield Document(doc_id=doc_id, title="", text=f"text of {doc_id}")

    def document_count(self) -> int | None:
        return len(self.doc_ids)

    def queries(self) -> Sequence[Query]:
        return QUERIES

    def qrels(self) -> Qrels:
        return {}

    def lookup(self, doc_ids: Group[str]) -> Mapping[str, Document]:
        self.looked_up.append(set(doc_ids))
        return {each.doc_id: each for each in self.documents() if each.doc_id in doc_ids}

    def warnings(self) -> Sequence[str]:
        return ()


@dataclass
class Stage:
    """A first stage that gives back what it was made with, and counts how often it is asked."""

    run: Mapping[str, Mapping[str, float]]
    parameters: Mapping[str, Json] = field(default_factory=dict)
    depths: list[int] = field(default_factory=list)

    def describe(self) -> Mapping[str, Json]:
        return self.parameters

    def retrieve(
        self, collection: object, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        self.depths.append(depth)
        return [
            _ranking(query, dict(sorted(scores.items(), key=lambda hit: -hit[1])[:depth]))
            for query, scores in self.run.items()
        ]


@dataclass
class Warned(Silent):
    """Remembers warnings."""

    warned: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def _ranking(query: str, scores: Mapping[str, float]) -> Ranking:
    return Ranking.sort(query, [Hit(doc_id=doc, score=score) for doc, score in scores.items()])


def _retrieve(
    cache: Path,
    stage: Stage,
    collection: Documents | None = None,
    *,
    queries: Sequence[Query] = QUERIES,
    name: str = "bm25",
    depth: int = 2,
    progress: Progress | None = None,
) -> list[list[str]]:
    found = candidates.retrieve(
        collection or Documents(),
        queries,
        stage,
        name,
        depth,
        cache=cache,
        progress=progress or Silent(),
    )
    assert [each.query_id for each in found] == [query.query_id for query in queries]
    return [[hit.doc_id for hit in each.hits] for each in found]


def _stage() -> Stage:
    return Stage(
        {"q1": {"a": 3.0, "q1": 2.0, "b": 1.0, "c": 0.5}, "q2": {"q1": 1 / 3, "d": 0.1 + 0.2}}
    )


def test_the_querys_own_document_is_dropped_before_the_cut(tmp_path: Path) -> None:
    collection = Documents(drops_identical_ids=True)
    stage = _stage()
    assert _retrieve(tmp_path, stage, collection) == [["a", "b"], ["q1", "d"]]
    assert stage.depths == [3]


def test_the_querys_own_document_stays_where_the_collection_does_not_ask(
    tmp_path: Path,
) -> None:
    stage = _stage()
    assert _retrieve(tmp_path, stage) == [["a", "q1"], ["q1", "d"]]
    assert stage.depths == [2]


def test_a_second_time_comes_from_the_cache_and_is_equal(tmp_path: Path) -> None:
    stage = _stage()
    arguments = (Documents(), QUERIES, stage, "bm25", 4)
    first, second = (
        candidates.retrieve(*arguments, cache=tmp_path, progress=Silent()) for _ in range(2)
    )
    assert first == second
    assert len(stage.depths) == 1


def test_what_decides_the_candidates_decides_the_cache(tmp_path: Path) -> None:
    stage = _stage()
    other_corpus = Documents(content=CollectionHashes(corpus="x", queries="q", qrels="r"))
    other_queries = Documents(content=CollectionHashes(corpus="c", queries="x", qrels="r"))
    _retrieve(tmp_path, stage)
    _retrieve(tmp_path, stage, other_corpus)
    _retrieve(tmp_path, stage, other_queries)
    _retrieve(tmp_path, stage, depth=3)
    _retrieve(tmp_path, stage, name="rank-bm25")
    _retrieve(tmp_path, stage, queries=QUERIES[:1])
    assert len(stage.depths) == 6
    tuned = Stage(stage.run, {"k1": 1.5})
    _retrieve(tmp_path, tuned)
    assert len(tuned.depths) == 1


def test_judgments_and_names_do_not_decide_the_cache(tmp_path: Path) -> None:
    stage = _stage()
    _retrieve(tmp_path, stage)
    rejudged = CollectionHashes(corpus="c", queries="q", qrels="other")
    _retrieve(tmp_path, stage, Documents(name="renamed", content=rejudged))
    assert len(stage.depths) == 1


@pytest.mark.parametrize(
    "damage", [b"", b"not a run at all\n", gzip.compress(b"q1 Q0 a 1 1.0 t\n" * 99)[:-9]]
)
def test_a_damaged_cache_is_told_and_made_again(damage: bytes, tmp_path: Path) -> None:
    stage, progress = _stage(), Warned()
    expected = _retrieve(tmp_path, stage)
    (path,) = (tmp_path / "candidates").iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage)
    assert _retrieve(tmp_path, stage, progress=progress) == expected
    assert len(progress.warned) == 1
    assert "damaged" in progress.warned[0]
    assert path.read_bytes() == whole


def test_no_flipped_bit_of_the_cache_is_believed(tmp_path: Path) -> None:
    expected = _retrieve(tmp_path, _stage())
    (path,) = (tmp_path / "candidates").iterdir()
    whole = path.read_bytes()
    numbers = random.Random(13)
    told = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << numbers.randrange(8)
        path.write_bytes(damaged)
        stage, progress = _stage(), Warned()
        assert _retrieve(tmp_path, stage, progress=progress) == expected, f"byte {place}"
        assert len(progress.warned) == len(stage.depths)
        told += len(progress.warned)
    # Only the time stamp, flags without meaning and the name of the system may change.
    assert told >= len(whole) - 10


def test_a_query_without_hits_keeps_its_place(tmp_path: Path) -> None:
    stage = Stage({"q2": {"d": 1.0}})
    for _ in range(2):
        assert _retrieve(tmp_path, stage) == [[], ["d"]]


def test_candidates_that_are_all_empty_are_not_cached(tmp_path: Path) -> None:
    stage, progress = Stage({"q1": {}}), Warned()
    for _ in range(2):
        assert _retrieve(tmp_path, stage, progress=progress) == [[], []]
    assert len(stage.depths) == 2
    assert progress.warned == []


@pytest.mark.parametrize(
    ("depth", "drop", "left"),
    [(2, False, ["q", "b"]), (2, True, ["b", "a"]), (9, True, ["b", "a"]), (0, False, [])],
)
def test_cutting_keeps_the_first_hits(depth: int, drop: bool, left: list[str]) -> None:
    ranking = _ranking("q", {"q": 3.0, "b": 2.0, "a": 1.0})
    found = candidates.cut(ranking, depth, drop_own_id=drop)
    assert [hit.doc_id for hit in found.hits] == left
    assert found.query_id == "q"


def test_texts_follow_the_order_of_the_first_stage() -> None:
    collection = Documents(["a", "b", "c"])
    rankings = [_ranking("q1", {"c": 1.0, "a": 2.0}), _ranking("q2", {})]
    lists = candidates.with_texts(collection, QUERIES, rankings)
    assert [each.query for each in lists.candidates] == QUERIES
    assert [[document.text for document in each.documents] for each in lists.candidates] == [
        ["text of a", "text of c"],
        [],
    ]
    assert [each.ranking() for each in lists.candidates] == rankings
    assert lists.warnings == ()
    assert collection.looked_up == [{"a", "c"}]


def test_documents_that_the_collection_lacks_are_left_out_and_counted() -> None:
    rankings = [_ranking("q1", {"a": 2.0, "gone": 1.0}), _ranking("q2", {"lost": 1.0})]
    lists = candidates.with_texts(Documents(["a"]), QUERIES, rankings)
    assert [len(each.documents) for each in lists.candidates] == [1, 0]
    assert [each.ranking() for each in lists.candidates] == [
        _ranking("q1", {"a": 2.0}),
        _ranking("q2", {}),
    ]
    (warning,) = lists.warnings
    assert warning.startswith("2 candidates are not in the collection") and "'gone'" in warning


def test_rankings_must_belong_to_the_queries() -> None:
    with pytest.raises(ValueError, match="shorter"):
        candidates.with_texts(Documents(), QUERIES, [_ranking("q1", {})])


def test_missed_positives_come_behind_every_hit() -> None:
    rankings = [_ranking("q1", {"a": 2.0, "b": -1.0}), _ranking("q2", {})]
    qrels = {"q1": {"a": 1, "c": 1, "d": 2, "e": 0, "f": -1}, "q2": {"x": 1}, "q3": {"y": 1}}
    found, added = candidates.add_positives(rankings, qrels)
    assert [[hit.doc_id for hit in each.hits] for each in found] == [["a", "b", "d", "c"], ["x"]]
    assert added == 3
    for ranking in found:
        assert ranking == Ranking.sort(ranking.query_id, ranking.hits)
    assert rankings[0].hits == found[0].hits[:2]


def test_positives_stay_behind_scores_too_large_for_whole_steps_in_float32() -> None:
    ranking = _ranking("q", {"a": 3e9, "b": -3e9})
    (found,), added = candidates.add_positives([ranking], {"q": {"x": 1, "y": 1, "z": 2}})
    assert added == 3
    assert [hit.doc_id for hit in found.hits] == ["a", "b", "z", "y", "x"]
    assert found == Ranking.sort("q", found.hits), "as the metric orders them"
