"""Rows that hold texts, one judgment after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from rerankbench.interchange.convert.cells import Cells, Text
from rerankbench.interchange.convert.columns import RowColumns
from rerankbench.interchange.convert.labels import Labels
from rerankbench.interchange.convert.tables import Row, Table

NO_DOCUMENT = "without a document"


class Judgment(NamedTuple):
    """One document's grade for a query, and where it stands."""

    number: int
    query: Text
    document: Text
    grade: int


class Dropped(NamedTuple):
    """A row, or a document of its list, that gives no judgment, and what it lacks."""

    number: int
    reason: str


Read: TypeAlias = Judgment | Dropped


class RowReader:
    """Reads the rows of a table as its columns say. Raises InputError for what cannot be meant."""

    def __init__(self, table: Table, columns: RowColumns, labels: Labels) -> None:
        """Nothing is read yet."""
        self._table = table
        self._cells = Cells(table)
        self._columns = columns
        self._labels = labels

    def read(self) -> Iterator[Read]:
        """What each row gives: judgments, or that it was dropped."""
        of_row = self._tuples if self._columns.label is None else self._labelled
        for row in self._table.read(self._columns.used()):
            query = self._query(row)
            if isinstance(query, Dropped):
                yield query
            else:
                yield from of_row(row, query)

    def _query(self, row: Row) -> Text | Dropped:
        text = self._cells.text(row, self._columns.query)
        if not text:
            return Dropped(row[0], "without a query")
        if self._columns.query_id is None:
            return Text(None, "", text)
        query_id = self._cells.text_id(row, self._columns.query_id)
        return Text(query_id, "", text) if query_id else Dropped(row[0], "without a query id")

    def _labelled(self, row: Row, query: Text) -> Iterator[Read]:
        column, label = self._columns.document or "", self._columns.label or ""
        cell, labels = row[1].get(column), row[1].get(label)
        if not isinstance(cell, list):
            yield self._judged(row, query, self._document(row, column), labels)
            return
        if not isinstance(labels, list) or len(labels) != len(cell):
            problem = f"'{column}' is a list of {len(cell)}, and '{label}' is none of that length"
            raise self._table.error(row[0], problem, "give every document its label")
        for document, value in zip(self._cells.documents(row, column), labels, strict=True):
            yield self._judged(row, query, document or Dropped(row[0], NO_DOCUMENT), value)

    def _judged(self, row: Row, query: Text, document: Text | Dropped, label: object) -> Read:
        if isinstance(document, Dropped):
            return document
        try:
            grade = self._labels.grade(label)
        except ValueError as error:
            raise self._table.error(row[0], str(error)) from None
        if grade is None:
            return Dropped(row[0], "without a label")
        return Judgment(row[0], query, document, grade)

    def _document(self, row: Row, column: str) -> Text | Dropped:
        """The one document of a row, with the row's title and id."""
        (document,) = self._cells.documents(row, column)
        if document is None:
            return Dropped(row[0], NO_DOCUMENT)
        columns = self._columns
        if columns.title is not None:
            document = document._replace(title=self._cells.text(row, columns.title))
        if columns.document_id is None:
            return document
        doc_id = self._cells.text_id(row, columns.document_id)
        if not doc_id:
            return Dropped(row[0], "without a document id")
        return document._replace(text_id=doc_id)

    def _tuples(self, row: Row, query: Text) -> Iterator[Read]:
        columns = self._columns
        (first, *others) = columns.positive
        if not others and not columns.negative and not isinstance(row[1].get(first), list):
            document = self._document(row, first)
            if isinstance(document, Dropped):
                yield document
            else:
                yield Judgment(row[0], query, document, 1)
            return
        positive = [*self._texts(row, columns.positive)]
        if not positive:
            # Without one, no order of the others is better than another.
            yield Dropped(row[0], "without a relevant document")
            return
        yield from (Judgment(row[0], query, document, 1) for document in positive)
        for document in self._texts(row, columns.negative):
            yield Judgment(row[0], query, document, 0)

    def _texts(self, row: Row, columns: tuple[str, ...]) -> Iterator[Text]:
        for column in columns:
            yield from filter(None, self._cells.documents(row, column))
