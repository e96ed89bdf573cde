"""A collection that Python code holds as mappings: queries, documents and judgments."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rerankbench.collections.content import CorpusReading, qrels_hash, queries_hash
from rerankbench.collections.reading import CheckedCollection
from rerankbench.errors import InputError
from rerankbench.files.texts import id_problem
from rerankbench.files.trec import whole_grade
from rerankbench.types import Document, Json, Qrels, Query

_PARTS = ("queries", "corpus", "qrels")
_FORMS = {
    "queries": '{"q1": "the text of a query", …}',
    "corpus": '{"d1": "the text of a document", "d2": {"title": "…", "text": "…"}, …}',
    "qrels": '{"q1": {"d1": 1, …}, …}',
}
_FORM = "give {'queries': …, 'corpus': …, 'qrels': …}, and 'name' and 'split' as you like"
_TREC = "TREC files separate their columns by blanks: choose another id"


def collection_of(parts: Mapping[str, Any]) -> InMemoryCollection:
    """The collection of a mapping with `queries`, `corpus` and `qrels`, copied as they are now.

    Also `name` (`in-memory`) and `split` (`test`). Raises InputError for what is of another form.
    """
    missing = [part for part in _PARTS if part not in parts]
    if missing:
        raise InputError("the collection", f"has no '{missing[0]}'", remedy=_FORM)
    unknown = [key for key in parts if key not in (*_PARTS, "name", "split")]
    if unknown:
        raise InputError("the collection", f"has an unknown key {unknown[0]!r:.40}", remedy=_FORM)
    names = {}
    for key, usual in (("name", "in-memory"), ("split", "test")):
        names[key] = parts.get(key, usual)
        if not (isinstance(names[key], str) and names[key].strip() and names[key].isprintable()):
            problem = f"'{key}' is {names[key]!r:.40}, not a line of text"
            raise InputError("the collection", problem, remedy=f"name it, such as '{usual}'")
    corpus = _mapping(parts, "corpus")
    queries = _mapping(parts, "queries")
    return InMemoryCollection(
        name=names["name"],
        split=names["split"],
        corpus={doc_id: _document(doc_id, value) for doc_id, value in corpus.items()},
        queries=[
            Query(query_id=query_id, text=_text("queries", query_id, text))
            for query_id, text in queries.items()
        ],
        qrels={
            query_id: _grades(query_id, grades)
            for query_id, grades in _mapping(parts, "qrels").items()
        },
    )


class InMemoryCollection(CheckedCollection):
    """Mappings, checked and hashed as files are: equal content has equal hashes."""

    def __init__(
        self,
        *,
        name: str,
        split: str,
        corpus: Mapping[str, Document],
        queries: Sequence[Query],
        qrels: Qrels,
    ) -> None:
        """Take the three parts, whose ids and texts are sound."""
        super().__init__(name=name, source=name, split=split, drops_identical_ids=False)
        self._corpus = corpus
        self._all_queries = queries
        self._judgments = qrels
        self._content: str | None = None

    def _fingerprint(self) -> Sequence[Json]:
        if self._content is None:
            reading = CorpusReading(frozenset())
            for document in self._corpus.values():
                reading.add(document, was_mended=False)
            self._content = reading.facts().content_hash
        return [
            "in-memory",
            self._content,
            queries_hash(self._all_queries),
            qrels_hash(self._judgments),
        ]

    def _place(self, part: str) -> str:
        return f"{part} of {self.name}"

    def _read_documents(self) -> Iterator[Document]:
        yield from self._corpus.values()

    def _find_documents(self, doc_ids: Group[str]) -> Iterator[Document]:
        yield from (self._corpus[doc_id] for doc_id in doc_ids if doc_id in self._corpus)

    def _read_queries(self) -> Iterator[Query]:
        yield from self._all_queries

    def _read_qrels(self) -> Qrels:
        return self._judgments

    def _refuse_repeats(self, keys: frozenset[int]) -> None:
        """A mapping holds no key twice."""


def _mapping(parts: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """A part whose keys can be ids."""
    found = parts[part]
    if not isinstance(found, Mapping):
        problem = f"is a {type(found).__name__}, not a mapping"
        raise InputError(part, problem, remedy=f"give {_FORMS[part]}")
    if not found:
        raise InputError(part, "is empty", remedy=f"give {_FORMS[part]}")
    for entry_id in found:
        _check_id(part, entry_id)
    return found


def _check_id(part: str, entry_id: Any) -> None:
    if not isinstance(entry_id, str):
        problem = f"the id {entry_id!r:.40} is a {type(entry_id).__name__}, not a text"
        raise InputError(part, problem, remedy="make all ids texts, with str(id)")
    problem = id_problem(entry_id)
    if problem:
        raise InputError(part, problem, remedy=_TREC)


def _document(doc_id: str, value: Any) -> Document:
    if not isinstance(value, Mapping):
        return Document(doc_id=doc_id, title="", text=_text("corpus", doc_id, value))
    if "text" not in value:
        keys = ", ".join(map(str, value))
        problem = f"the document '{doc_id}' has no 'text'"
        raise InputError("corpus", problem, remedy=f"it has: {keys:.80}")
    title = value.get("title")
    return Document(
        doc_id=doc_id,
        title="" if title is None else _text("corpus", doc_id, title),
        text=_text("corpus", doc_id, value["text"]),
    )


def _text(part: str, entry_id: str, value: Any) -> str:
    if not isinstance(value, str):
        problem = f"'{entry_id}' is a {type(value).__name__}, not a text"
        raise InputError(part, problem, remedy=f"give {_FORMS[part]}")
    return value


def _grades(query_id: str, grades: Any) -> Mapping[str, int]:
    if not isinstance(grades, Mapping):
        problem = f"'{query_id}' is a {type(grades).__name__}, not a mapping"
        raise InputError("qrels", problem, remedy=f"give {_FORMS['qrels']}")
    for doc_id in grades:
        _check_id("qrels", doc_id)
    return {doc_id: _grade(query_id, doc_id, grade) for doc_id, grade in grades.items()}


def _grade(query_id: str, doc_id: str, grade: Any) -> int:
    try:
        return whole_grade(str(grade))
    except ValueError as error:
        problem = f"document '{doc_id}' of query '{query_id}': {error}"
        raise InputError("qrels", problem, remedy=f"give {_FORMS['qrels']}") from None
