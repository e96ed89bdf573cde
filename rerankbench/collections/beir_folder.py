"""BEIR folders: `corpus.jsonl`, `queries.jsonl`, `qrels/<split>.tsv`, each plain or gzipped."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from rerankbench.collections.content import CorpusFacts, file_fingerprint
from rerankbench.collections.elsewhere import texts_elsewhere
from rerankbench.collections.jsonl import JsonlEntry, OffsetIndex, is_gzipped, read_entries
from rerankbench.collections.reading import CheckedCollection
from rerankbench.errors import InputError
from rerankbench.files.part_files import convert_line
from rerankbench.files.trec import read_qrels
from rerankbench.known import collections
from rerankbench.types import Document, Json, Qrels, Query

_LAYOUT = "a BEIR folder has corpus.jsonl, queries.jsonl and qrels/<split>.tsv, each plain or .gz"
_DEFAULT_SPLIT = "test"
_NO_QUERY_TEXT = frozenset(("_id", "metadata"))
_NO_DOCUMENT_TEXT = _NO_QUERY_TEXT | {"title"}


def open_collection(spec: str, split: str | None) -> BeirFolder:
    """Open the folder at the path `spec`; the default split is `test`, or the only one.

    Raises InputError for missing files and splits; contents are read on demand.
    """
    return open_folder(Path(spec), split, name=_name(Path(spec)))


def open_folder(folder: Path, split: str | None, *, name: str) -> BeirFolder:
    """Open a folder under a name of one's own. Raises InputError as `open_collection` does."""
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "no such folder"
        raise InputError(folder, problem, remedy=_remedy(folder))
    corpus = _plain_or_gzipped(folder, "corpus.jsonl")
    queries = _plain_or_gzipped(folder, "queries.jsonl")
    splits = _splits(folder)
    if corpus is None or queries is None or not splits:
        parts = {"corpus.jsonl": corpus, "queries.jsonl": queries, "qrels/*.tsv": splits}
        missing = ", ".join(part for part, place in parts.items() if not place)
        raise InputError(folder, f"has no {missing}", remedy=_remedy(folder))
    chosen = _choose_split(folder, splits, split)
    return BeirFolder(
        name=name, split=chosen, corpus=corpus, queries=queries, qrels=splits[chosen]
    )


class BeirFolder(CheckedCollection):
    """One split of a BEIR folder; `source` is the folder's name, not its path."""

    def __init__(self, *, name: str, split: str, corpus: Path, queries: Path, qrels: Path) -> None:
        """Take the three files of the split, which exist."""
        known = collections.by_slug(name)
        drops = known is not None and known.drops_identical_ids
        super().__init__(name=name, source=name, split=split, drops_identical_ids=drops)
        self._corpus_path = corpus
        self._queries_path = queries
        self._qrels_path = qrels
        self._index: OffsetIndex | None = None
        # Taken once: a file that changes while it is read must not be remembered in its new state.
        self._state = [
            part for path in (corpus, queries, qrels) for part in file_fingerprint(path)
        ]

    def _fingerprint(self) -> Sequence[Json]:
        return ["beir-folder", *self._state]

    def _place(self, part: str) -> str:
        paths = {
            "corpus": self._corpus_path,
            "queries": self._queries_path,
            "qrels": self._qrels_path,
        }
        return str(paths[part])

    def _read_documents(self) -> Iterator[Document]:
        for _, doc_id, title, text in read_entries(self._corpus_path):
            yield Document(doc_id=doc_id, title=title, text=text)

    def _find_documents(self, doc_ids: Group[str]) -> Iterator[Document]:
        wanted_ids = frozenset(doc_ids)
        if is_gzipped(self._corpus_path):
            # Gzip streams cannot be entered in the middle, so the whole file goes by once more.
            entries: Iterator[JsonlEntry] = (
                entry for entry in read_entries(self._corpus_path) if entry.entry_id in wanted_ids
            )
        else:
            if self._index is None:
                self._index = OffsetIndex(self._corpus_path)
            entries = self._index.read(wanted_ids)
        for _, doc_id, title, text in entries:
            yield Document(doc_id=doc_id, title=title, text=text)

    def _read_queries(self) -> Iterator[Query]:
        lines: dict[str, int] = {}
        for line, query_id, _, text in read_entries(self._queries_path):
            if query_id in lines:
                place = self._place("queries")
                self._refuse_repeat(place, "query", query_id, lines[query_id], line)
            lines[query_id] = line
            yield Query(query_id=query_id, text=text)

    def _remark_on_texts(self, facts: CorpusFacts) -> str:
        elsewhere = texts_elsewhere(self._corpus_path, besides=_NO_DOCUMENT_TEXT)
        if elsewhere is None:
            return ""
        none, all_empty = facts.without_text == facts.documents, facts.empty == facts.documents
        if none and (elsewhere.known or all_empty):
            # `convert` takes documents from under the keys that other tools have for them.
            line = convert_line(self._corpus_path.parent) if elsewhere.known else None
            raise InputError(
                self._corpus_path,
                f"no document has a \"text\", but '{elsewhere.first}' has words under "
                f'"{elsewhere.key}"',
                remedy='call that key "text"' + (f", or: {line}" if line else ""),
            )
        if none:
            return f'no document has a "text", only titles are read; "{elsewhere.key}" is not'
        return (
            f'{elsewhere.entries} documents have no "text" but words under "{elsewhere.key}", '
            f"which is not read (first: '{elsewhere.first}')"
        )

    def _empty_queries(self) -> str:
        elsewhere = texts_elsewhere(self._queries_path, besides=_NO_QUERY_TEXT)
        return "" if elsewhere is None else f'; "{elsewhere.key}" holds words and is not read'

    def _read_qrels(self) -> Qrels:
        return read_qrels(self._qrels_path)

    def _refuse_repeats(self, keys: frozenset[int]) -> None:
        lines: dict[str, int] = {}
        for line, doc_id, _, _ in read_entries(self._corpus_path):
            if hash(doc_id) not in keys:
                continue
            if doc_id in lines:
                self._refuse_repeat(self._place("corpus"), "document", doc_id, lines[doc_id], line)
            lines[doc_id] = line


def _remedy(path: Path) -> str:
    """How a collection looks; or the line that makes one of what is there."""
    line = convert_line(path)
    return f"make a collection of it: {line}" if line else _LAYOUT


def _name(folder: Path) -> str:
    # "." and ".." get a name only when they are resolved.
    named = folder if folder.name not in ("", "..") else folder.resolve()
    # BEIR's archive has CQADupStack's forums as folders inside a folder.
    part = f"{named.absolute().parent.name}-{named.name}"
    members = chain.from_iterable(entry.members for entry in collections.known())
    return part if part in members else named.name


def _plain_or_gzipped(folder: Path, name: str) -> Path | None:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():  # Reading it says so where it is no file.
            return path
    return None


def _splits(folder: Path) -> dict[str, Path]:
    """Split name → file, plain files before gzipped ones of the same split."""
    files: dict[str, Path] = {}
    for suffix in (".tsv", ".tsv.gz"):
        for path in sorted((folder / "qrels").glob(f"[!.]*{suffix}")):
            files.setdefault(path.name.removesuffix(suffix), path)
    return files


def _choose_split(folder: Path, splits: dict[str, Path], split: str | None) -> str:
    names = ", ".join(sorted(splits))
    if split is not None:
        if split not in splits:
            raise InputError(folder / "qrels", f"no split '{split}'", remedy=f"there is: {names}")
        return split
    if _DEFAULT_SPLIT in splits:
        return _DEFAULT_SPLIT
    if len(splits) > 1:
        problem = f"several splits, none of them '{_DEFAULT_SPLIT}'"
        raise InputError(folder / "qrels", problem, remedy=f"name one of: {names}")
    return next(iter(splits))
