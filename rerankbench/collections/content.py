"""Content of a collection as hashes and counts: equal content is equal wherever it is read from.

Every string is hashed with its length, so that different contents never look the same; strings
are UTF-8. Documents count in the collection's order (ties of a first stage may depend on it),
queries and judgments are sorted.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from array import array
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rerankbench.files.checksums import seal, unseal
from rerankbench.files.whole import cache_home, write_whole
from rerankbench.types import Document, Json, Qrels, Query

_DIGEST_BYTES = 16
_MEMO_SCHEMA = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFacts:
    """The results of one full pass over a corpus; each count has its first example ("")."""

    content_hash: str
    documents: int
    empty: int = 0
    first_empty: str = ""
    mended: int = 0
    first_mended: str = ""
    unknown_judged: int = 0
    first_unknown_judged: str = ""
    without_text: int = 0
    identical_ids: Mapping[str, bool] = field(default_factory=dict)
    """Ids that a query and a document share → whether the query's text is the document's."""
    remark: str = ""
    """A remark of the source itself about the corpus."""

    def warnings(self) -> list[str]:
        """One line for each kind of problem."""
        lines = [self.remark] if self.remark else []
        if self.empty:
            lines.append(f"{self.empty} documents are empty (first: '{self.first_empty}')")
        if self.mended:
            lines.append(
                f"{self.mended} documents hold broken characters (lone surrogates), "
                f"read as U+FFFD (first: '{self.first_mended}')"
            )
        if self.unknown_judged:
            lines.append(
                f"{self.unknown_judged} judged document ids are not in the corpus "
                f"(first: '{self.first_unknown_judged}')"
            )
        return lines


class CorpusReading:
    """Collects facts about a corpus as its documents pass, in 8 bytes of memory a document."""

    def __init__(self, judged: Set[str], queries: Iterable[Query] = ()) -> None:
        """`judged` are the document ids of the qrels, to find those missing in the corpus.

        Documents with the id of one of the `queries` are compared with it.
        """
        self._queries = {query.query_id: query.text for query in queries}
        self._identical: dict[str, bool] = {}
        self._without_text = 0
        self._hash = hashlib.blake2b(digest_size=_DIGEST_BYTES, person=b"corpus-1")
        self._keys = array("q")
        self._missing = set(judged)
        self._odd: dict[str, tuple[int, str]] = {}

    def add(self, document: Document, *, was_mended: bool) -> None:
        _add(self._hash, document.doc_id, document.title, document.text)
        self._keys.append(hash(document.doc_id))
        self._missing.discard(document.doc_id)
        self._without_text += not document.text.strip()
        if document.doc_id in self._queries:
            query = self._queries[document.doc_id]
            self._identical[document.doc_id] = is_same_text(query, document)
        if was_mended:
            self._note("mended", document.doc_id)
        if not document.content:
            self._note("empty", document.doc_id)

    def _note(self, kind: str, doc_id: str) -> None:
        count, first = self._odd.get(kind, (0, doc_id))
        self._odd[kind] = (count + 1, first)

    def repeated_keys(self) -> frozenset[int]:
        """`hash(doc_id)` of ids that seem to occur twice; two ids may share one by chance."""
        keys = np.sort(np.frombuffer(self._keys, dtype=np.int64))
        return frozenset(keys[1:][keys[1:] == keys[:-1]].tolist())

    def facts(self) -> CorpusFacts:
        """The facts about the documents so far."""
        empty, first_empty = self._odd.get("empty", (0, ""))
        mended, first_mended = self._odd.get("mended", (0, ""))
        return CorpusFacts(
            content_hash=self._hash.hexdigest(),
            documents=len(self._keys),
            empty=empty,
            first_empty=first_empty,
            mended=mended,
            first_mended=first_mended,
            unknown_judged=len(self._missing),
            first_unknown_judged=min(self._missing, default=""),
            without_text=self._without_text,
            identical_ids=dict(sorted(self._identical.items())),
        )


def is_same_text(query: str, document: Document) -> bool:
    """Whether a query's text is the document's, with or without its title.

    Only letters and digits count, not case or spacing. A title that was put before the text in
    one field (NanoBEIR) may precede the query's words if it is at most a quarter of them.
    """
    words, query_words = _words(document.content), _words(query)
    extra = len(words) - len(query_words)
    if not query_words or extra < 0 or words[extra:] != query_words:
        return False
    return query_words == _words(document.text) or 4 * extra <= len(query_words)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def queries_hash(queries: Iterable[Query]) -> str:
    """Hash of the queries, whatever their order; 32 hex digits."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES, person=b"queries-1")
    for query_id, text in sorted((query.query_id, query.text) for query in queries):
        _add(digest, query_id, text)
    return digest.hexdigest()


def qrels_hash(qrels: Qrels) -> str:
    """Hash of the judgments, whatever their order; 32 hex digits."""
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES, person=b"qrels-1")
    for query_id, grades in sorted(qrels.items()):
        for doc_id, grade in sorted(grades.items()):
            _add(digest, query_id, doc_id, str(grade))
    return digest.hexdigest()


def _add(digest: Any, *parts: str) -> None:
    # Any: hashlib has no public name for its hash objects' type.
    encoded = [part.encode() for part in parts]
    digest.update(b"".join(len(part).to_bytes(8, "little") + part for part in encoded))


def memo_path(fingerprint: Sequence[Json]) -> Path:
    """The path for the facts of a corpus with that fingerprint (ids, paths, sizes, mtimes)."""
    key = hashlib.blake2b(json.dumps(fingerprint).encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return cache_home() / "hashes" / f"{key}.json"


def file_fingerprint(path: Path) -> list[Json]:
    """Path, size in bytes and modification time in nanoseconds, to notice changes of a file."""
    status = path.stat()
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


def load_facts(path: Path) -> CorpusFacts | None:
    """The facts stored at `path`; None if there are none of this version.

    A damaged memo is reported and deleted: the corpus is read again.
    """
    try:
        line = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # No memo, or a useless folder, which is reported when facts are saved.
        return None
    try:
        memo = unseal(line, path.stem)
        return CorpusFacts(**memo["facts"]) if memo["schema"] == _MEMO_SCHEMA else None
    except (ValueError, KeyError, TypeError):
        if _is_older_memo(line):
            return None
        _log.warning("%s: does not verify; the corpus is read again", path)
        with suppress(OSError):
            path.unlink()
        return None


def _is_older_memo(line: str) -> bool:
    """Whether it is a valid memo of the schema without checksum."""
    try:
        memo = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(memo, dict) and memo.keys() == {"schema", "facts"} and memo["schema"] == 1


def save_facts(path: Path, facts: CorpusFacts) -> None:
    """Save the facts at `path`. Raises StorageError if that fails."""
    write_whole(path, seal({"schema": _MEMO_SCHEMA, "facts": asdict(facts)}, path.stem))
