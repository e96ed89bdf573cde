"""A collection that lies in no folder: here a few sentences, in yours perhaps a database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from rerankbench import CollectionHashes, Document, Qrels, Query, UsageError

_DOCUMENTS = {
    "spring": "In spring days grow longer than nights and the first flowers open.",
    "summer": "Summer has the longest days of the year and the warmest weeks.",
    "autumn": "In autumn leaves turn red and yellow before they fall.",
    "winter": "Winter brings snow, short days and long nights.",
}
_QUERIES = {
    "q1": "when do leaves fall",
    "q2": "which season has the longest days",
    "q3": "short days and snow",
}
_QRELS = {"q1": {"autumn": 1}, "q2": {"summer": 2, "spring": 1}, "q3": {"winter": 1}}


class Seasons:
    """Documents, queries and judgments of one split."""

    name = "seasons"
    source = "seasons"
    split = "test"
    drops_identical_ids = False

    def hashes(self) -> CollectionHashes:
        """Of the contents: where they change, records of before are not taken for those of now."""
        return CollectionHashes(
            corpus=_sha256(_DOCUMENTS), queries=_sha256(_QUERIES), qrels=_sha256(_QRELS)
        )

    def documents(self) -> Iterator[Document]:
        """Every document once; a large collection is read as it goes."""
        for doc_id, text in _DOCUMENTS.items():
            yield Document(doc_id=doc_id, title=doc_id.capitalize(), text=text)

    def document_count(self) -> int | None:
        return len(_DOCUMENTS)

    def queries(self) -> Sequence[Query]:
        return [Query(query_id=query_id, text=text) for query_id, text in _QUERIES.items()]

    def qrels(self) -> Qrels:
        return _QRELS

    def lookup(self, doc_ids: Collection[str]) -> Mapping[str, Document]:
        """The named documents, as far as they exist."""
        return {doc.doc_id: doc for doc in self.documents() if doc.doc_id in doc_ids}

    def warnings(self) -> Sequence[str]:
        return ()


def _sha256(content: object) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def seasons(name: str, split: str | None) -> Seasons:
    """Called with the name that the user wrote, and the split or None."""
    if split not in (None, "test"):
        raise UsageError(f"{name} has no split '{split}'; its only one is test")
    return Seasons()
