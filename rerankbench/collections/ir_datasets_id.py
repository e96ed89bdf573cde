"""Any id of ir_datasets: `beir/scifact/test`, `msmarco-passage/dev/small`, `nano-beir/nq`."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rerankbench.collections import ir_datasets_source as source
from rerankbench.collections.content import file_fingerprint
from rerankbench.collections.reading import CheckedCollection
from rerankbench.errors import InputError, UsageError, some
from rerankbench.files.texts import id_problem
from rerankbench.known import collections
from rerankbench.types import Document, Json, Qrels, Query

_SPLITS = ("train", "dev", "validation", "valid", "eval", "test")


def open_collection(spec: str, split: str | None) -> IrDatasetsCollection:
    """Open an id, or the split of one that has several. Nothing is fetched until it is read.

    Raises UsageError for unknown ids, and for those without texts, queries or judgments.
    """
    dataset_id = _with_split(_single(spec), split)
    dataset = source.load(dataset_id)
    if not source.complete(dataset):
        below = source.complete_below(dataset_id)
        advice = f"name one of: {some(below)}" if below else "name another id"
        raise UsageError(f"'{dataset_id}' has no {_lacks(dataset)} of its own; {advice}")
    source.check_text(dataset_id, "documents", dataset.docs_cls())
    source.check_text(dataset_id, "queries", dataset.queries_cls())
    return IrDatasetsCollection(dataset_id, dataset)


def _single(spec: str) -> str:
    ids = collections.expand(spec)
    if len(ids) > 1:
        raise UsageError(f"'{spec}' is several collections; name one of: {', '.join(ids)}")
    return ids[0]


def _with_split(dataset_id: str, split: str | None) -> str:
    if split is None:
        return dataset_id
    joined = f"{dataset_id}/{split}"
    if joined in source.import_package().registry:
        return joined
    whole = _without_split(dataset_id)
    if split_of(dataset_id) == split and not source.complete_below(dataset_id):
        return dataset_id
    below = source.complete_below(whole)
    advice = f"name one of: {some(below)}" if below else "leave the split out"
    raise UsageError(f"'{dataset_id}' has no split '{split}'; {advice}")


def _lacks(dataset: Any) -> str:
    parts = {
        "documents": dataset.has_docs(),
        "queries": dataset.has_queries(),
        "judgments": dataset.has_qrels(),
    }
    return " or ".join(part for part, exists in parts.items() if not exists)


def split_of(dataset_id: str) -> str:
    """The split that an id names; `test` if it names none."""
    entry = collections.by_id(dataset_id)
    if entry is not None:
        return entry.split
    return next((part for part in dataset_id.split("/")[1:] if part in _SPLITS), "test")


def name_of(dataset_id: str) -> str:
    """The name for tables: BEIR's own folder name, else the id with `-` for `/`.

    All splits of a collection share its name; `beir/webis-touche2020`, whose judgments are not
    those of the collection that tables call Touché, keeps the long form.
    """
    entry = collections.by_id(dataset_id)
    if entry is not None:
        return entry.members[entry.ids.index(dataset_id)] if entry.members else entry.slug
    base = _without_split(dataset_id)
    family, _, rest = base.partition("/")
    if family != "beir" or not rest:
        return dataset_id.replace("/", "-")
    short = rest.replace("/", "-")
    namesake = collections.by_slug(short)
    if namesake is not None and base not in map(_without_split, namesake.ids):
        return base.replace("/", "-")
    return short


def _without_split(dataset_id: str) -> str:
    head, _, tail = dataset_id.rpartition("/")
    return head if tail in _SPLITS else dataset_id


class IrDatasetsCollection(CheckedCollection):
    """A dataset of ir_datasets that has documents, queries and judgments."""

    def __init__(self, dataset_id: str, dataset: Any) -> None:
        """Wrap a loaded dataset; nothing is read."""
        name = name_of(dataset_id)
        super().__init__(
            name=name,
            source=dataset_id,
            split=split_of(dataset_id),
            drops_identical_ids=collections.drops_identical_ids(dataset_id, name),
        )
        self._dataset = dataset
        self._store: Any = None
        self._repeated_grades: list[str] = []

    def document_count(self) -> int | None:
        """The number of documents read, or, until then, the number that ir_datasets states."""
        counted = super().document_count()
        if counted is not None:
            return counted
        with source.as_input_error(self.source, "number of documents"):
            published = self._dataset.docs_count()
        return None if published is None else int(published)

    def warnings(self) -> Sequence[str]:
        """Warnings about everything that has been read completely so far."""
        return (*self._repeated_grades, *super().warnings())

    def identical_ids(self) -> Mapping[str, bool]:
        """Empty if the id itself says what the collection is: then nothing needs comparing."""
        return {} if self.drops_identical_ids else super().identical_ids()

    def _fingerprint(self) -> Sequence[Json]:
        # Computed every time, because files appear below the home while ir_datasets fetches.
        package = source.import_package()
        home = Path(package.util.home_path())
        part = home / package.docs_parent_id(self.source)
        while not part.is_dir() and part != home:
            part = part.parent
        paths = sorted(path for path in part.rglob("*") if path.is_file()) if part != home else []
        files = [file_fingerprint(path) for path in paths]
        return ["ir-datasets", package.__version__, self.source, str(home.absolute()), files]

    def _place(self, part: str) -> str:
        return self.source

    def _read_documents(self) -> Iterator[Document]:
        for item in source.iterate(self.source, "documents", self._dataset.docs_iter):
            yield self._document(item)

    def _find_documents(self, doc_ids: Group[str]) -> Iterator[Document]:
        with source.as_input_error(self.source, "documents"):
            if self._store is None:
                self._store = self._dataset.docs_store()
            documents = self._store.get_many(sorted(doc_ids))
        yield from map(self._document, documents.values())

    def _document(self, item: Any) -> Document:
        title, text = source.mapped(item)
        return Document(doc_id=self._id("document", item.doc_id), title=title, text=text)

    def _read_queries(self) -> Iterator[Query]:
        seen: set[str] = set()
        for item in source.iterate(self.source, "queries", self._dataset.queries_iter):
            query_id = self._id("query", item.query_id)
            if query_id in seen:
                self._refuse_repeat(self.source, "query", query_id)
            seen.add(query_id)
            title, text = source.mapped(item)
            yield Query(query_id=query_id, text=f"{title} {text}".strip() if title else text)

    def _read_qrels(self) -> Qrels:
        qrels: dict[str, dict[str, int]] = {}
        differing: list[str] = []
        for item in source.iterate(self.source, "judgments", self._dataset.qrels_iter):
            grades = qrels.setdefault(str(item.query_id), {})
            doc_id, grade = str(item.doc_id), int(item.relevance)
            if grades.get(doc_id, grade) != grade:
                differing.append(f"{item.query_id} {doc_id}")
            # The last one counts, as in ir_datasets' own qrels_dict: users cannot mend the file.
            grades[doc_id] = grade
        if not qrels:
            raise InputError(self.source, "has no judgments", remedy="name another split")
        if differing:
            self._repeated_grades = [
                f"{len(differing)} judgments contradict an earlier one, the last counts "
                f"(first: '{differing[0]}')"
            ]
        return qrels

    def _id(self, kind: str, value: object) -> str:
        text = str(value)
        problem = id_problem(text)
        if problem:
            raise InputError(self.source, f"{kind}: {problem}", remedy="TREC files cannot have it")
        return text

    def _refuse_repeats(self, keys: frozenset[int]) -> None:
        seen: set[str] = set()
        for document in self._read_documents():
            if hash(document.doc_id) in keys:
                if document.doc_id in seen:
                    self._refuse_repeat(self.source, "document", document.doc_id)
                seen.add(document.doc_id)
