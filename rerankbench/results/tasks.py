"""What the cells of one task share, in a file beside their records: topics, candidates, judgments.

A task is one collection (or a sample of its queries), one first stage and one depth. Its file lets
ceilings, slices, depth curves and side-by-side pages be derived from `results/` alone, without the
collection.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, with_config

from rerankbench.errors import InputError
from rerankbench.files.whole import gzip_bytes, open_bytes, write_whole
from rerankbench.results import schema_file
from rerankbench.types import CandidateLists, Count, Qrels

SCHEMA = 1
_REMEDY = "restore it from git, or run its cells again: nothing is scored anew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One query with its judgments and its candidates.

    `text` is None if the run does not keep texts. `words` counts words between white space.
    `grades` holds every judgment of the query, retrieved or not; `candidates` are document ids in
    the first stage's order, `document_words` the length of each in words.
    """

    query_id: str
    text: str | None
    words: Count
    grades: Mapping[str, int]
    candidates: tuple[str, ...]
    document_words: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Every judged query of a task, in the collection's order; those without text come last."""

    schema: int
    key: str
    topics: tuple[Topic, ...]

    def qrels(self) -> Qrels:
        """query_id → {doc_id: grade}, as metrics take it."""
        return {topic.query_id: topic.grades for topic in self.topics}


def make_task(key: str, lists: CandidateLists, qrels: Qrels, *, keep_texts: bool) -> Task:
    """The task of these candidates and judgments; a judged query without candidates has none."""
    topics = [
        Topic(
            query_id=candidates.query.query_id,
            text=candidates.query.text if keep_texts else None,
            words=len(candidates.query.text.split()),
            grades=qrels.get(candidates.query.query_id, {}),
            candidates=tuple(document.doc_id for document in candidates.documents),
            document_words=tuple(
                len(document.content.split()) for document in candidates.documents
            ),
        )
        for candidates in lists.candidates
    ]
    with_candidates = {topic.query_id for topic in topics}
    topics += [
        Topic(
            query_id=query_id, text=None, words=0, grades=grades, candidates=(), document_words=()
        )
        for query_id, grades in qrels.items()
        if query_id not in with_candidates
    ]
    return Task(schema=SCHEMA, key=key, topics=tuple(topics))


def write_task(path: Path, task: Task) -> None:
    """Write the file whole: gzipped JSON, the same bytes for the same task."""
    write_whole(path, gzip_bytes(_adapter().dump_json(task).decode() + "\n"))


def is_whole(path: Path) -> bool:
    """Whether the file is complete; its gzip stream has a checksum, so nothing is parsed."""
    try:
        with open_bytes(path) as handle:
            if handle.read(1) != b"{":
                return False
            while handle.read(1 << 20):
                pass
    except (EOFError, OSError, InputError, zlib.error):
        return False
    return True


def read_task(path: Path) -> Task:
    """Read one task file. Raises InputError, or NewerFileError for a later schema."""
    return schema_file.read(path, _adapter(), SCHEMA, fault="is not a task", remedy=_REMEDY)


@cache
def _adapter() -> TypeAdapter[Task]:
    # Strict: "1" and true are not accepted as grades.
    return TypeAdapter(with_config(ConfigDict(strict=True))(Task))
