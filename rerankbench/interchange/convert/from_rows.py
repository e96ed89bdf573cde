"""Rows with texts → a collection: equal texts are one document, equal pairs one judgment."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rerankbench.errors import InputError
from rerankbench.interchange.convert import identity
from rerankbench.interchange.convert.cells import Text
from rerankbench.interchange.convert.counts import Counts
from rerankbench.interchange.convert.judged_rows import Dropped, Read, RowReader
from rerankbench.interchange.convert.judgments import Judgments
from rerankbench.interchange.convert.staged import StagedCollection
from rerankbench.interchange.convert.tables import Table
from rerankbench.progress import Progress
from rerankbench.types import Qrels

_EVERY = 1_000


class RowConverter:
    """Takes the rows of several tables; texts are written at once, and only ids are kept."""

    def __init__(self, staged: StagedCollection) -> None:
        """Nothing was read yet."""
        self.counts = Counts()
        self._judgments = Judgments(self.counts)
        self._staged = staged
        self._queries: dict[str, bytes] = {}
        self._documents: dict[str, bytes] = {}

    def add(self, table: Table, reader: RowReader, progress: Progress) -> None:
        """Read every row of a table. Raises InputError for what cannot be meant."""
        last = 0
        with progress.task(f"reading {table.path.name}", None, "rows") as advance:
            for read in reader.read():
                if read.number != last:
                    last = read.number
                    self.counts.rows += 1
                    if self.counts.rows % _EVERY == 0:
                        advance(_EVERY)
                self._add(table, read)
        self.counts.queries, self.counts.documents = len(self._queries), len(self._documents)

    def qrels(self, last: Table) -> Qrels:
        """All judgments. Raises InputError where they cannot tell one ranking from another."""
        judgments = self._judgments.found
        if not judgments:
            reasons = ", ".join(f"{of.count} {why}" for why, of in self.counts.dropped.items())
            problem = f"no row gives a judgment ({reasons or 'there are none'})"
            remedy = "see that the columns are the right ones: --query, --document, --label"
            raise InputError(last.path, problem, remedy=remedy)
        if not any(grade > 0 for grades in judgments.values() for grade in grades.values()):
            problem = "no document is relevant to any query"
            raise InputError(last.path, problem, remedy="see what the labels mean: --label COLUMN")
        return judgments

    def candidates(self) -> Mapping[str, Collection[str]] | None:
        """Each query's documents; None where rows hold relevant documents alone."""
        judgments = self._judgments.found
        has_negatives = any(grade <= 0 for of in judgments.values() for grade in of.values())
        return judgments if has_negatives else None

    def _add(self, table: Table, read: Read) -> None:
        if isinstance(read, Dropped):
            self.counts.drop(read.reason, _place(table, read.number))
            return
        query_id, doc_id = identity.query_id(read.query), identity.doc_id(read.document)
        if self._is_new(table, read.number, "query", query_id, read.query):
            self._staged.add_query(query_id, read.query.text)
        if self._is_new(table, read.number, "document", doc_id, read.document):
            self._staged.add_document(doc_id, read.document.title, read.document.text)
        self._judgments.add(query_id, doc_id, read.grade, _place(table, read.number))

    def _is_new(self, table: Table, number: int, what: str, text_id: str, text: Text) -> bool:
        known = self._queries if what == "query" else self._documents
        digest, before = identity.text_digest(text), known.get(text_id)
        if before is None:
            known[text_id] = digest
            return True
        if before != digest:
            problem = f"{what} id '{text_id}' stands for another text before"
            remedy = f"mend one, or make ids of the texts: --{what}-id none"
            raise table.error(number, problem, remedy)
        return False


def _place(table: Table, number: int) -> str:
    return f"{table.path.name}, {table.place(number)}"
