"""Our BM25 against Anserini's own runs; skipped where the shared collections are not at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest
import pytrec_eval

from rerankbench.files.trec import read_qrels, read_run
from rerankbench.firststage import bm25
from rerankbench.progress import Silent
from rerankbench.types import CollectionHashes, Document, Query, Ranking

from .stubs import InMemory

RUNS = [
    ("scifact", "flat"),
    ("scifact", "multifield"),
    ("cranfield", "flat"),
    ("cranfield", "multifield"),
    ("vaswani", "flat"),
]


class Folder(InMemory):
    """A collection in BEIR's layout, read in the plainest way."""

    def __init__(self, folder: Path) -> None:
        super().__init__([])
        self.folder = folder
        self.name = self.source = folder.name
        self.judged = read_qrels(folder / "qrels" / "test.tsv")
        self.asked = [
            Query(query_id=line["_id"], text=line["text"])
            for line in self._lines("queries")
            if line["_id"] in self.judged
        ]

    def _lines(self, name: str) -> Iterator[dict[str, str]]:
        with (self.folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    def hashes(self) -> CollectionHashes:
        return CollectionHashes(corpus=self.name, queries="", qrels="")

    def document_count(self) -> int | None:
        return None

    def documents(self) -> Iterator[Document]:
        for line in self._lines("corpus"):
            yield Document(doc_id=line["_id"], title=line["title"], text=line["text"])


def ndcg(collection: Folder, rankings: list[Ranking]) -> float:
    """Mean nDCG@10 over all judged queries."""
    qrels = {query: dict(grades) for query, grades in collection.judged.items()}
    run = {ranking.query_id: ranking.scores() for ranking in rankings}
    values = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut_10"}).evaluate(run)
    return sum(value["ndcg_cut_10"] for value in values.values()) / len(qrels)


@pytest.mark.parametrize(("name", "fields"), RUNS)
def test_rankings_agree_with_anserini(
    shared: Path, tmp_path: Path, name: str, fields: str
) -> None:
    collection = Folder(shared / "collections" / name)
    stage = bm25.create({"fields": fields}, tmp_path)
    ours = list(stage.retrieve(collection, collection.queries(), 1000, progress=Silent()))
    run = shared / "reference" / "anserini" / f"{name}.bm25.{fields}.top1000.trec.gz"
    theirs = {ranking.query_id: ranking for ranking in read_run(run)}

    assert ndcg(collection, ours) == pytest.approx(
        ndcg(collection, list(theirs.values())), abs=0.0005
    )
    common = []
    for ranking in ours:
        other = theirs[ranking.query_id]
        common.append(
            len({hit.doc_id for hit in ranking.hits[:100]} & {h.doc_id for h in other.hits[:100]})
        )
        # Anserini rounds to four digits and takes 1e-6 off each further score that ties.
        scores = ranking.scores()
        for hit in other.hits:
            assert scores.get(hit.doc_id, hit.score) == pytest.approx(hit.score, abs=5e-4)
    assert fmean(common) > 99.5
