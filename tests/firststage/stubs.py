"""A collection in memory that counts how often it is read, and a progress that remembers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rerankbench.progress import Advance
from rerankbench.types import CollectionHashes, Document, Qrels, Query


class InMemory:
    """A collection made of texts; ids are d0, d1, … and q0, q1, … unless given."""

    name = "tiny"
    source = "memory"
    split = "test"
    drops_identical_ids = False

    def __init__(
        self,
        texts: Sequence[str | tuple[str, str]],
        queries: Sequence[str] = (),
        doc_ids: Sequence[str] | None = None,
    ) -> None:
        pairs = [("", text) if isinstance(text, str) else text for text in texts]
        ids = doc_ids or [f"d{number}" for number in range(len(pairs))]
        self.corpus = [
            Document(doc_id=doc_id, title=title, text=text)
            for doc_id, (title, text) in zip(ids, pairs, strict=True)
        ]
        self.asked = [Query(query_id=f"q{i}", text=text) for i, text in enumerate(queries)]
        self.readings = 0

    def hashes(self) -> CollectionHashes:
        content = hashlib.sha256(repr(self.corpus).encode()).hexdigest()
        return CollectionHashes(corpus=content, queries="", qrels="")

    def documents(self) -> Iterator[Document]:
        self.readings += 1
        yield from self.corpus

    def document_count(self) -> int | None:
        return len(self.corpus)

    def queries(self) -> Sequence[Query]:
        return self.asked

    def qrels(self) -> Qrels:
        return {}

    def lookup(self, doc_ids: Group[str]) -> Mapping[str, Document]:
        return {document.doc_id: document for document in self.corpus}

    def warnings(self) -> Sequence[str]:
        return ()


class Recorder:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.done: dict[str, int] = {}
        self.warned: list[str] = []

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        self.done[description] = 0

        def advance(count: int) -> None:
            self.done[description] += count

        yield advance

    def note(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        self.warned.append(text)
