"""BM25 by the package rank-bm25, which much published code uses, for comparison.

It holds the collection in memory as Python dictionaries and keeps no index: fine for thousands of
documents, not for millions. The analyser is that of `bm25`, so the two differ by formula alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from rerankbench.errors import InputError
from rerankbench.firststage import analysis
from rerankbench.firststage.analysis import LuceneEnglish
from rerankbench.firststage.arguments import Arguments, Number, read
from rerankbench.progress import Progress
from rerankbench.protocols import Collection
from rerankbench.types import Hit, Json, Query, Ranking


class RankBm25Arguments(Arguments):
    """Arguments of all variants, with the defaults of rank_bm25 0.2.2."""

    variant: Literal["okapi", "l", "plus"] = Field("okapi", description="which BM25")
    k1: Number = Field(1.5, description="how much a term counts that comes often")
    b: Number = Field(0.75, le=1, description="how much long documents are made to count less")


class OkapiArguments(RankBm25Arguments):
    """Arguments of BM25Okapi."""

    epsilon: Number = Field(0.25, description="weight of a term of most documents ÷ mean weight")


class LongArguments(RankBm25Arguments):
    """Arguments of BM25L."""

    delta: Number = Field(0.5, description="what is added to how often a term comes")


class PlusArguments(RankBm25Arguments):
    """Arguments of BM25+."""

    delta: Number = Field(1.0, description="what is added to the share of every term")


_VARIANTS: Mapping[str, tuple[str, type[RankBm25Arguments]]] = {
    "okapi": ("BM25Okapi", OkapiArguments),
    "l": ("BM25L", LongArguments),
    "plus": ("BM25Plus", PlusArguments),
}


def create(arguments: Mapping[str, Json], cache: Path) -> RankBm25:
    """First stage `rank-bm25`: the arguments of its variant, which is okapi, l or plus.

    Raises UsageError for unknown arguments and values that cannot be.
    """
    variant = str(arguments.get("variant", "okapi"))
    _, kind = _VARIANTS.get(variant, _VARIANTS["okapi"])
    parameters = read("rank-bm25", arguments, kind).model_dump(exclude={"variant"})
    return RankBm25(variant=variant, parameters=parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class RankBm25:
    """A first stage that reads the whole collection every time."""

    variant: str
    parameters: Mapping[str, float]

    def describe(self) -> Mapping[str, Json]:
        """Everything that decides the ranking."""
        return {
            "engine": "rank-bm25",
            "method": self.variant,
            **self.parameters,
            "analyzer": f"{analysis.NAME}/{analysis.VERSION}",
            "fields": "flat",
        }

    def retrieve(
        self, collection: Collection, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        """One ranking per query, in order; ties by doc_id.

        Hits are the documents that share a term with the query and score anything but 0: Okapi's
        scores may be negative, and Plus scores every document. Raises InputError for a collection
        without a single term.
        """
        corpus = _read(collection, progress)
        model = self._model(corpus.documents)
        analyzer = LuceneEnglish()
        rankings = []
        with progress.task("searching with rank-bm25", len(queries), "queries") as advance:
            for query in queries:
                terms = analyzer.terms(query.text)
                rows = corpus.sharing(terms)
                # The same sum as get_scores, for the rows that matter.
                scores = model.get_batch_scores(terms, rows) if rows else []
                hits = (
                    Hit(doc_id=corpus.doc_ids[row], score=score)
                    for row, score in zip(rows, scores, strict=True)
                    if score
                )
                ranking = Ranking.sort(query.query_id, hits)
                rankings.append(Ranking(query_id=query.query_id, hits=ranking.hits[:depth]))
                advance(1)
        return rankings

    def _model(self, documents: Sequence[Sequence[str]]) -> Any:
        import rank_bm25

        name, _ = _VARIANTS[self.variant]
        return getattr(rank_bm25, name)(documents, **self.parameters)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Corpus:
    doc_ids: list[str] = field(default_factory=list)
    documents: list[list[str]] = field(default_factory=list)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def sharing(self, terms: Sequence[str]) -> list[int]:
        """Rows of the documents with at least one of the terms, ascending."""
        return sorted({row for term in set(terms) for row in self.rows.get(term, ())})


def _read(collection: Collection, progress: Progress) -> _Corpus:
    corpus, analyzer = _Corpus(), LuceneEnglish()
    total = collection.document_count()
    with progress.task(f"reading {collection.name}", total, "docs") as advance:
        for row, document in enumerate(collection.documents()):
            terms = analyzer.terms(document.content)
            corpus.doc_ids.append(document.doc_id)
            corpus.documents.append(terms)
            for term in set(terms):
                corpus.rows.setdefault(term, []).append(row)
            advance(1)
    if not corpus.rows:
        raise InputError(
            collection.source,
            "no document holds a word to search for",
            remedy="check title and text of the corpus",
        )
    return corpus
