"""BM25 as Anserini computes it, by bm25s: the default first stage.

`fields=flat` scores `Document.content`; `fields=multifield` scores title and text apart, each with
weight 1, and adds up, as Anserini's BEIR regressions do. On SciFact, Cranfield and Vaswani every
score agrees with Anserini 1.7.1 to the four digits that its runs hold.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from rerankbench.errors import InputError
from rerankbench.firststage import analysis, index_store
from rerankbench.firststage.analysis import LuceneEnglish
from rerankbench.firststage.arguments import Arguments, Number, read
from rerankbench.firststage.index_store import DamagedIndexError, DocIdsBuilder, Index
from rerankbench.firststage.inverted import Floats, Integers, MatrixBuilder
from rerankbench.progress import Progress
from rerankbench.protocols import Collection
from rerankbench.types import Document, Hit, Json, Query, Ranking

_FIELDS: Mapping[str, Mapping[str, Callable[[Document], str]]] = {
    "flat": {"contents": lambda document: document.content},
    "multifield": {
        "title": lambda document: document.title,
        "contents": lambda document: document.text,
    },
}
_QUERIES_AT_ONCE = 64
_DOCS_A_TICK = 1000


class Bm25Arguments(Arguments):
    """What decides the ranking."""

    k1: Number = Field(0.9, description="how much a term counts that comes often")
    b: Number = Field(0.4, le=1, description="how much long documents are made to count less")
    fields: Literal["flat", "multifield"] = Field(
        "flat", description="whether title and text are one field, or scored apart and added up"
    )
    analyzer: Literal["lucene-english"] = Field(
        analysis.NAME, description="how texts become terms"
    )


def create(arguments: Mapping[str, Json], cache: Path) -> Bm25:
    """First stage `bm25`. Raises UsageError for unknown or invalid arguments."""
    return Bm25(**read("bm25", arguments, Bm25Arguments).model_dump(), cache=cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bm25:
    """A first stage; its index is built once per collection and stored in `cache / "indexes"`."""

    k1: float
    b: float
    fields: str
    analyzer: str
    cache: Path

    def describe(self) -> Mapping[str, Json]:
        """Everything that decides the ranking."""
        return {
            "engine": "bm25s",
            "method": "lucene",
            "k1": self.k1,
            "b": self.b,
            "lengths": "lucene-one-byte",
            "analyzer": f"{self.analyzer}/{analysis.VERSION}",
            "fields": self.fields,
        }

    def retrieve(
        self, collection: Collection, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        """One ranking per query, in order; only documents that share a term are hits.

        Ties fall by doc_id, at the cut as everywhere. Raises InputError for a collection without a
        single term, StorageError if the index cannot be kept.
        """
        index = self._index(collection, progress)
        analyzer = LuceneEnglish()
        searches = [
            (query.query_id, self._columns(index, analyzer.terms(query.text))) for query in queries
        ]

        def search(task: tuple[str, list[int]]) -> Ranking:
            return _search(index, *task, depth)

        rankings: list[Ranking] = []
        with (
            progress.task("searching with BM25", len(queries), "queries") as advance,
            ThreadPoolExecutor(os.cpu_count()) as pool,
        ):
            # In batches, so that an interrupt waits for one batch, not for all queries.
            for start in range(0, len(searches), _QUERIES_AT_ONCE):
                batch = list(pool.map(search, searches[start : start + _QUERIES_AT_ONCE]))
                rankings += batch
                advance(len(batch))
        return rankings

    def _columns(self, index: Index, terms: Sequence[str]) -> list[int]:
        """Columns of the query's terms in every field; a repeated term counts repeatedly."""
        names = [f"{field}:{term}" for field in _FIELDS[self.fields] for term in terms]
        columns: list[int] = index.engine.get_tokens_ids(names)
        return columns

    def _index(self, collection: Collection, progress: Progress) -> Index:
        folder = self.cache / "indexes" / self._key(collection.hashes().corpus)
        if folder.exists():
            try:
                return index_store.load(folder)
            except DamagedIndexError as error:
                progress.warn(f"{error}; it is built again")
                index_store.remove(folder)
        self._build(folder, collection, progress)
        return index_store.load(folder)

    def _key(self, corpus_hash: str) -> str:
        import bm25s

        parts = [index_store.FORMAT, bm25s.__version__, corpus_hash, self.describe()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def _build(self, folder: Path, collection: Collection, progress: Progress) -> None:
        readers = _FIELDS[self.fields]
        builder, ids = MatrixBuilder(tuple(readers)), DocIdsBuilder()
        total = collection.document_count()
        with progress.task(f"indexing {collection.name}", total, "docs") as advance:
            count = 0
            for count, document in enumerate(collection.documents(), start=1):
                builder.add([read(document) for read in readers.values()])
                ids.add(document.doc_id)
                if count % _DOCS_A_TICK == 0:
                    advance(_DOCS_A_TICK)
            advance(count % _DOCS_A_TICK)
        if not builder.vocabulary:
            raise InputError(
                collection.source,
                "no document holds a word to search for",
                remedy="check title and text of the corpus",
            )
        matrix = builder.finish(self.k1, self.b)
        index_store.save(folder, matrix, ids, {"collection": collection.name, **self.describe()})


def _search(index: Index, query_id: str, columns: list[int], depth: int) -> Ranking:
    scores: Floats = index.engine.get_scores_from_ids(columns)
    hits = (
        Hit(doc_id=index.doc_ids[row], score=float(scores[row]))
        for row in _best(scores, depth).tolist()
    )
    ranking = Ranking.sort(query_id, hits)
    return Ranking(query_id=query_id, hits=ranking.hits[:depth])


def _best(scores: Floats, depth: int) -> Integers:
    """Rows of the `depth` highest scores above 0 and of all that tie with the last of them."""
    rows: Integers = np.flatnonzero(scores > 0)
    if len(rows) <= depth:
        return rows
    values = scores[rows]
    lowest = np.partition(values, len(rows) - depth)[len(rows) - depth]
    best: Integers = rows[values >= lowest]
    return best
