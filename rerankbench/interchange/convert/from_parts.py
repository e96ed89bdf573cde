"""A corpus, queries and judgments that are files of their own → a collection, ids as they are."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rerankbench.errors import InputError
from rerankbench.files.part_files import Part, PartFiles
from rerankbench.files.texts import id_problem, mend
from rerankbench.interchange.convert.columns import ColumnOptions
from rerankbench.interchange.convert.counts import Counts
from rerankbench.interchange.convert.judgments import Judgments
from rerankbench.interchange.convert.labels import Labels
from rerankbench.interchange.convert.opening import open_part
from rerankbench.interchange.convert.part_columns import PartColumns, guess_part
from rerankbench.interchange.convert.staged import StagedCollection
from rerankbench.interchange.convert.tables import Row, Table
from rerankbench.progress import Progress
from rerankbench.types import Qrels

_EVERY = 1_000
_UNIQUE = "ids must be unique: keep one of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPart:
    """One file of a part, and what is in which of its columns."""

    part: Part
    table: Table
    columns: PartColumns

    def rows(self) -> Iterator[Row]:
        return self.table.read(self.columns.used())

    def text_id(self, row: Row, column: str | None) -> str:
        """The id in a column. Raises InputError where there is none that TREC files can hold."""
        value = row[1].get(column or "")
        text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
        if value is None or isinstance(value, (bool, list)) or id_problem(text):
            problem = id_problem(text) if isinstance(value, str) else "is no id"
            remedy = "TREC files separate their columns by blanks: change it in all three files"
            raise self.table.error(row[0], f"'{column}': {problem}", remedy)
        return text

    def text(self, row: Row, column: str | None) -> str:
        """The text in a column, as it stands. Raises InputError for what is no text."""
        value = row[1].get(column) if column is not None else None
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.table.error(row[0], f"'{column}' is not a text", "choose another column")
        return mend(value)


def open_parts(files: PartFiles, options: ColumnOptions) -> tuple[OpenPart, ...]:
    """Every file of every part, looked into as far as its columns. Raises InputError."""
    paths: Sequence[tuple[Part, Sequence[Path]]] = (
        ("qrels", files.qrels),
        ("queries", files.queries),
        ("corpus", files.corpus),
        ("candidates", files.candidates),
    )
    tables = [(part, open_part(part, path)) for part, of in paths for path in of]
    return tuple(
        OpenPart(part=part, table=table, columns=guess_part(part, table.columns, options))
        for part, table in tables
    )


class PartConverter:
    """Reads judgments first, then the queries that they name, then the corpus as it goes."""

    def __init__(self, staged: StagedCollection, labels: Labels, progress: Progress) -> None:
        """Nothing was read yet."""
        self.counts = Counts()
        self._staged = staged
        self._labels = labels
        self._progress = progress
        self._judgments = Judgments(self.counts)

    def convert(self, parts: Sequence[OpenPart]) -> tuple[Qrels, Mapping[str, list[str]] | None]:
        """Judgments of queries that have a text, and the candidates if there are any.

        Raises InputError for what cannot be meant, and for parts that do not belong together.
        """
        judged = self._judgments.found
        for part, row in self._rows(parts, "qrels"):
            self._add_judgment(part, row)
        known = self._add_queries(parts)
        for query_id in [query_id for query_id in judged if query_id not in known]:
            self.counts.remark("judged queries without a text, left out", query_id)
            del judged[query_id]
        if not judged:
            raise _foreign(parts, "queries", "qrels")
        self._add_documents(parts)
        candidates: dict[str, list[str]] = {}
        for part, row in self._rows(parts, "candidates"):
            self._add_candidates(part, row, candidates)
        return judged, candidates or None

    def _rows(self, parts: Sequence[OpenPart], wanted: Part) -> Iterator[tuple[OpenPart, Row]]:
        for part in parts:
            if part.part != wanted:
                continue
            with self._progress.task(f"reading {part.table.path.name}", None, "rows") as advance:
                for at, row in enumerate(part.rows(), start=1):
                    if at % _EVERY == 0:
                        advance(_EVERY)
                    yield part, row

    def _add_judgment(self, part: OpenPart, row: Row) -> None:
        columns, where = part.columns, f"{part.table.path.name}, {part.table.place(row[0])}"
        query_id = part.text_id(row, columns.query_id)
        doc_id = part.text_id(row, columns.document_id)
        try:
            grade = self._labels.grade(row[1].get(columns.label or ""))
        except ValueError as error:
            raise part.table.error(row[0], str(error)) from None
        if grade is None:
            self.counts.drop("without a label", where)
        else:
            self._judgments.add(query_id, doc_id, grade, where)

    def _add_queries(self, parts: Sequence[OpenPart]) -> set[str]:
        known: set[str] = set()
        for part, row in self._rows(parts, "queries"):
            query_id = part.text_id(row, part.columns.query_id)
            text = part.text(row, part.columns.text)
            if query_id in known:
                raise part.table.error(row[0], f"query id '{query_id}' occurs twice", _UNIQUE)
            if query_id not in self._judgments.found:
                self.counts.remark("queries without a judgment, left out", query_id)
            elif text.strip():
                known.add(query_id)
                self._staged.add_query(query_id, text)
        self.counts.queries = len(known)
        return known

    def _add_documents(self, parts: Sequence[OpenPart]) -> None:
        missing = {doc_id for of in self._judgments.found.values() for doc_id in of}
        judged, keys = len(missing), array("q")
        for part, row in self._rows(parts, "corpus"):
            doc_id = part.text_id(row, part.columns.document_id)
            title = part.text(row, part.columns.title)
            text = part.text(row, part.columns.text)
            keys.append(hash(doc_id))
            missing.discard(doc_id)
            if not f"{title}{text}".strip():
                self.counts.remark("empty documents", doc_id)
            self._staged.add_document(doc_id, title, text)
        self._refuse_repeats(parts, keys)
        if len(missing) == judged:
            raise _foreign(parts, "corpus", "qrels")
        for doc_id in sorted(missing):
            self.counts.remark("judged documents that the corpus has not", doc_id)
        self.counts.documents = len(keys)

    def _refuse_repeats(self, parts: Sequence[OpenPart], keys: array[int]) -> None:
        # 8 bytes a document: a set of millions of ids would take most of the memory.
        ordered = np.sort(np.frombuffer(keys, dtype=np.int64))
        repeated = frozenset(ordered[1:][ordered[1:] == ordered[:-1]].tolist())
        seen: set[str] = set()
        for part, row in self._rows(parts, "corpus") if repeated else ():
            doc_id = part.text_id(row, part.columns.document_id)
            if doc_id in seen:
                raise part.table.error(row[0], f"document id '{doc_id}' occurs twice", _UNIQUE)
            if hash(doc_id) in repeated:
                seen.add(doc_id)

    def _add_candidates(self, part: OpenPart, row: Row, candidates: dict[str, list[str]]) -> None:
        query_id = part.text_id(row, part.columns.query_id)
        if query_id not in self._judgments.found:
            return
        cell: Any = row[1].get(part.columns.document_id or "")
        known = candidates.setdefault(query_id, [])
        for value in cell if isinstance(cell, list) else [cell]:
            doc_id = part.text_id((row[0], {"": value}), "")
            if doc_id not in known:
                known.append(doc_id)


def _foreign(parts: Sequence[OpenPart], lacking: Part, naming: Part) -> InputError:
    """The files of two parts share no id."""
    paths = {part.part: part.table.path for part in parts}
    problem = f"holds none of those that {paths[naming].name} judges"
    return InputError(paths[lacking], problem, remedy="take all from the same collection")
