"""The folder that is made: corpus, queries, judgments and candidates in BEIR's form."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from rerankbench.files.trec import format_run
from rerankbench.types import Hit, Qrels, Ranking

CANDIDATES = "candidates.trec"
_CORPUS, _QUERIES, _QRELS = "corpus.jsonl", "queries.jsonl", "qrels"
_TAG = "unordered"


class StagedCollection:
    """Writes documents and queries as they come, and all else at the end."""

    def __init__(self, folder: Path) -> None:
        """Into an empty folder."""
        self.folder = folder
        self._corpus = _open(folder / _CORPUS)
        self._queries = _open(folder / _QUERIES)

    def __enter__(self) -> StagedCollection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._corpus.close()
        self._queries.close()

    def add_document(self, doc_id: str, title: str, text: str) -> None:
        _write(self._corpus, {"_id": doc_id, "title": title, "text": text})

    def add_query(self, query_id: str, text: str) -> None:
        _write(self._queries, {"_id": query_id, "text": text})

    def finish(
        self, split: str, qrels: Qrels, candidates: Mapping[str, Collection[str]] | None
    ) -> None:
        """Write the judgments, and the candidates in an order that says nothing of them."""
        (self.folder / _QRELS).mkdir()
        with _open(self.folder / _QRELS / f"{split}.tsv") as handle:
            handle.write("query-id\tcorpus-id\tscore\n")
            for query_id, grades in qrels.items():
                for doc_id, grade in grades.items():
                    handle.write(f"{query_id}\t{doc_id}\t{grade}\n")
            _to_disk(handle)
        if candidates:
            with _open(self.folder / CANDIDATES) as handle:
                for query_id, doc_ids in candidates.items():
                    handle.write(format_run([_drawn(query_id, doc_ids)], _TAG))
                _to_disk(handle)
        for handle in (self._corpus, self._queries):
            _to_disk(handle)


def is_own(path: Path) -> bool:
    """Whether a file or folder is one that a collection made here consists of."""
    if path.name == _QRELS:
        return path.is_dir() and all(file.suffix == ".tsv" for file in path.iterdir())
    return path.name in (_CORPUS, _QUERIES, CANDIDATES) and path.is_file()


def _drawn(query_id: str, doc_ids: Collection[str]) -> Ranking:
    # Rows often have relevant documents first: in their own order the answer would be known.
    drawn = sorted(doc_ids, key=lambda doc_id: _digest(f"{query_id}\0{doc_id}"))
    hits = (Hit(doc_id, float(len(drawn) - at)) for at, doc_id in enumerate(drawn))
    return Ranking(query_id=query_id, hits=tuple(hits))


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def _open(path: Path) -> IO[str]:
    return path.open("x", encoding="utf-8", newline="\n")


def _write(handle: IO[str], entry: Mapping[str, str]) -> None:
    handle.write(json.dumps(entry, ensure_ascii=False) + "\n")


def _to_disk(handle: IO[str]) -> None:
    handle.flush()
    os.fsync(handle.fileno())
