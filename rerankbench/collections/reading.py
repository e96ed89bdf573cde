"""Checks, hashes and warnings that all collections share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from rerankbench.collections.content import (
    CorpusFacts,
    CorpusReading,
    load_facts,
    memo_path,
    qrels_hash,
    queries_hash,
    save_facts,
)
from rerankbench.errors import InputError
from rerankbench.files.texts import mend
from rerankbench.known import collections
from rerankbench.types import CollectionHashes, Document, Json, Qrels, Query


class CheckedCollection(ABC):
    """A `Collection` (see protocols) over a source that defines how its three parts are read.

    A full pass over the corpus checks and hashes it; both are saved on disk, so that this happens
    once for every state of the source, not for every run.
    """

    def __init__(self, *, name: str, source: str, split: str, drops_identical_ids: bool) -> None:
        """Name the collection; nothing is read."""
        self.name = name
        self.source = source
        self.split = split
        self.drops_identical_ids = drops_identical_ids
        self.relevance_level = collections.relevance_level(name, split)
        self._facts: CorpusFacts | None = None
        self._qrels: Qrels | None = None
        self._queries: tuple[Query, ...] | None = None
        self._query_warnings: list[str] = []

    @abstractmethod
    def _read_documents(self) -> Iterator[Document]:
        """Every document, as in the source."""

    @abstractmethod
    def _find_documents(self, doc_ids: Group[str]) -> Iterator[Document]:
        """The documents with those ids, as in the source, in any order."""

    @abstractmethod
    def _read_queries(self) -> Iterator[Query]:
        """Every query of the source once, judged or not, as in the source."""

    @abstractmethod
    def _read_qrels(self) -> Qrels:
        """The judgments of the split."""

    @abstractmethod
    def _fingerprint(self) -> Sequence[Json]:
        """A value that changes whenever the corpus or the judgments may have changed."""

    @abstractmethod
    def _place(self, part: str) -> str:
        """The location of `corpus`, `queries` or `qrels`, for error messages."""

    @abstractmethod
    def _refuse_repeats(self, keys: frozenset[int]) -> None:
        """Raise InputError if a document id with `hash(doc_id)` in `keys` really occurs twice."""

    def _remark_on_texts(self, facts: CorpusFacts) -> str:
        """A remark about documents without a text, or empty; may raise InputError."""
        return ""

    def _empty_queries(self) -> str:
        """Where the texts of empty queries may be; empty if the source cannot tell."""
        return ""

    def identical_ids(self) -> Mapping[str, bool]:
        """Ids that a query and a document share → whether the query is that document."""
        return self._corpus_facts().identical_ids

    def hashes(self) -> CollectionHashes:
        """Content hashes; the corpus is read only if this state of it was never read before."""
        # Queries and judgments first: reading them may add files to the source's cache.
        queries, qrels = queries_hash(self.queries()), qrels_hash(self.qrels())
        return CollectionHashes(
            corpus=self._corpus_facts().content_hash, queries=queries, qrels=qrels
        )

    def documents(self) -> Iterator[Document]:
        """Every document once, read on demand.

        Raises InputError for a malformed one when it is reached, for repeated ids and for an empty
        corpus at the end.
        """
        if self._remembered() is not None:
            yield from map(_mended, self._read_documents())
            return
        judged = {doc_id for grades in self.qrels().values() for doc_id in grades}
        reading = CorpusReading(judged, self.queries())
        for raw in self._read_documents():
            document = _mended(raw)
            reading.add(document, was_mended=document is not raw)
            yield document
        self._finish(reading)

    def _finish(self, reading: CorpusReading) -> None:
        facts = reading.facts()
        if not facts.documents:
            raise InputError(
                self._place("corpus"), "has no documents", remedy="fetch the collection again"
            )
        repeated = reading.repeated_keys()
        if repeated:
            self._refuse_repeats(repeated)
        if facts.without_text:
            facts = replace(facts, remark=self._remark_on_texts(facts))
        save_facts(memo_path(self._fingerprint()), facts)
        self._facts = facts

    def _remembered(self) -> CorpusFacts | None:
        if self._facts is None:
            self._facts = load_facts(memo_path(self._fingerprint()))
        return self._facts

    def _corpus_facts(self) -> CorpusFacts:
        if self._remembered() is None:
            deque(self.documents(), maxlen=0)
        facts = self._facts
        assert facts is not None, "a whole pass over the documents leaves their facts"
        return facts

    def document_count(self) -> int | None:
        """How many documents there are, if this state of the corpus was ever read to its end."""
        facts = self._remembered()
        return facts.documents if facts is not None else None

    def queries(self) -> Sequence[Query]:
        """The judged queries, in the source's order. Raises InputError if there are none."""
        if self._queries is None:
            self._queries = self._judged_queries()
        return self._queries

    def _judged_queries(self) -> tuple[Query, ...]:
        qrels = self.qrels()
        queries = tuple(
            Query(query_id=query.query_id, text=mend(query.text))
            for query in self._read_queries()
            if query.query_id in qrels
        )
        if not queries:
            raise InputError(
                self._place("queries"),
                f"has none of the queries that {self._place('qrels')} judges",
                remedy="take both from the same collection",
            )
        self._query_warnings = self._remarks_on_queries(queries, qrels)
        return queries

    def _remarks_on_queries(self, queries: Sequence[Query], qrels: Qrels) -> list[str]:
        lines = []
        unknown = sorted(qrels.keys() - {query.query_id for query in queries})
        if unknown:
            lines.append(
                f"{len(unknown)} judged query ids have no text and score 0 (first: '{unknown[0]}')"
            )
        empty = [query.query_id for query in queries if not query.text.strip()]
        place = self._empty_queries() if empty else ""
        if len(empty) == len(queries):
            raise InputError(
                self._place("queries"),
                f"no judged query has a text{place}",
                remedy='every line is one JSON object such as {"_id": "q1", "text": "…"}',
            )
        if empty:
            lines.append(f"{len(empty)} query texts are empty (first: '{empty[0]}'){place}")
        return lines

    def qrels(self) -> Qrels:
        """Judgments of the split; a query id without text stays."""
        if self._qrels is None:
            self._qrels = self._read_qrels()
        return self._qrels

    def lookup(self, doc_ids: Group[str]) -> Mapping[str, Document]:
        """The named documents, as far as they exist."""
        wanted_ids = frozenset(doc_ids)
        if not wanted_ids:
            return {}
        return {raw.doc_id: _mended(raw) for raw in self._find_documents(wanted_ids)}

    def warnings(self) -> Sequence[str]:
        """Warnings about everything that has been read completely so far."""
        return (*self._query_warnings, *(self._facts.warnings() if self._facts else ()))

    def _refuse_repeat(self, place: str, kind: str, repeated_id: str, *lines: int) -> NoReturn:
        problem = f"{kind} id '{repeated_id}' occurs twice"
        if lines:
            problem = f"{kind} id '{repeated_id}' is already on line {lines[0]}"
        line = lines[1] if lines else None
        raise InputError(place, problem, line=line, remedy="ids must be unique: keep one of them")


def _mended(document: Document) -> Document:
    title, text = mend(document.title), mend(document.text)
    if title == document.title and text == document.text:
        return document
    return Document(doc_id=document.doc_id, title=title, text=text)
