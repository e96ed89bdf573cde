"""Single cells of rows: texts, ids, and documents in lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rerankbench.files.texts import id_problem, mend
from rerankbench.interchange.convert.columns import DOCUMENT, DOCUMENT_ID, TITLE, plain
from rerankbench.interchange.convert.tables import Row, Table

_WRITTEN_LIST = re.compile(r"\[\s*(['\"]).*\1\s*\]", flags=re.DOTALL)
_NO_IDS = "change it, or leave ids out: --query-id none, --document-id none"


class Text(NamedTuple):
    """A query or document; its id is None where one is to be made of the text."""

    text_id: str | None
    title: str
    text: str


class Cells:
    """Reads cells of a table. Raises InputError, naming the row, for what cannot be meant."""

    def __init__(self, table: Table) -> None:
        """Nothing is read yet."""
        self._table = table

    def text(self, row: Row, column: str) -> str:
        """The text without the blanks around it; empty where there is none."""
        return self._text(row[0], column, row[1].get(column))

    def text_id(self, row: Row, column: str) -> str:
        """The id as text; empty where there is none."""
        return self._id(row[0], column, row[1].get(column))

    def documents(self, row: Row, column: str) -> Iterator[Text | None]:
        """The documents of a cell with one text or a list; None for each that is empty.

        They may be objects, as Tevatron and DPR write them, with a title and an id too.
        """
        cell = row[1].get(column)
        for value in cell if isinstance(cell, list) else [cell]:
            if isinstance(value, Mapping):
                yield self._object(row[0], column, value)
            else:
                text = self._text(row[0], column, value)
                yield Text(None, "", text) if text else None

    def _object(self, number: int, column: str, value: Mapping[str, Any]) -> Text | None:
        key = _key(value, DOCUMENT)
        if key is None:
            problem = f"'{column}' holds objects without a text"
            raise self._table.error(number, problem, 'call its key "text"')
        text = self._text(number, f"{column}.{key}", value[key])
        title = self._text(number, f"{column}.title", value.get(_key(value, TITLE) or ""))
        ids = value.get(_key(value, ("id", *DOCUMENT_ID)) or "")
        return Text(self._id(number, f"{column}.id", ids) or None, title, text) if text else None

    def _text(self, number: int, column: str, value: object) -> str:
        if value is None or value != value:  # A number that is none is how pandas says it.
            return ""
        if isinstance(value, list):
            problem = f"'{column}' is a list of texts, not one text"
            raise self._table.error(number, problem, "write a row for each of them")
        if not isinstance(value, str):
            problem = f"'{column}' is {_kind(value)}, not a text"
            raise self._table.error(number, problem, "choose the column that holds the text")
        if value.startswith("[") and _WRITTEN_LIST.fullmatch(value):
            problem = f"'{column}' is a list that was written as one text"
            raise self._table.error(number, problem, "save the rows as JSON lines or parquet")
        return mend(value).strip()

    def _id(self, number: int, column: str, value: object) -> str:
        if value is None or value != value:
            return ""
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # A column of numbers with a gap becomes one of floats.
        if not isinstance(value, (str, int)) or isinstance(value, bool):
            raise self._table.error(number, f"'{column}' is {_kind(value)}, not an id", _NO_IDS)
        text = str(value).strip()
        problem = id_problem(text) if text else ""
        if problem:
            raise self._table.error(number, f"'{column}': {problem}", _NO_IDS)
        return text


def _key(values: Mapping[str, Any], usual: Sequence[str]) -> str | None:
    keys = {plain(key): key for key in values}
    return next((keys[name] for name in usual if name in keys), None)


def _kind(value: object) -> str:
    names = {bool: "a truth value", int: "a number", float: "a number", list: "a list"}
    return names.get(type(value), "no text")
