"""Which column holds what: told by options, guessed by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rerankbench.errors import UsageError, nearest

UNUSED = "none"
"""What an option says for a column that is not to be used."""

QUERY = (
    *("query", "question", "anchor", "querytext", "questiontext", "searchquery", "userquery"),
    *("queries", "sentence1", "text1", "sentencea", "topic", "claim", "prompt", "q"),
)
DOCUMENT = (
    *("passage", "document", "doc", "text", "passagetext", "documenttext", "doctext"),
    *("content", "contents", "body", "chunk", "chunktext", "paragraph", "context", "snippet"),
    *("sentence2", "text2", "sentenceb", "candidate", "abstract", "article", "pagecontent"),
    *("passages", "documents", "docs", "candidates", "texts", "passagespassagetext"),
    *("answer", "response"),
)
LABEL = (
    *("label", "relevance", "rel", "grade", "relevant", "isrelevant", "isselected", "labels"),
    *("grades", "judgment", "judgement", "relevancegrade", "relevancelabel", "relevancescore"),
    *("rating", "esci", "esclabel", "escilabel", "passagesisselected", "target", "score"),
)
QUERY_ID = ("queryid", "qid", "questionid", "topicid", "anchorid")
DOCUMENT_ID = (
    *("documentid", "docid", "corpusid", "passageid", "pid", "docno", "chunkid"),
    *("articleid", "productid"),
)
TITLE = ("title", "documenttitle", "doctitle", "passagetitle")
_TEXTS = "(passages?|ctxs|documents?|docs?|texts?)?"
_POSITIVE = re.compile(rf"(positive|positives|pos){_TEXTS}\d*")
_NEGATIVE = re.compile(rf"(hard)?(negative|negatives|neg|negs){_TEXTS}\d*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnOptions:
    """What the options say; None is to be guessed, `none` not to be used."""

    query: str | None = None
    document: str | None = None
    label: str | None = None
    positive: Sequence[str] | None = None
    negative: Sequence[str] | None = None
    query_id: str | None = None
    document_id: str | None = None
    title: str | None = None

    def named(self) -> frozenset[str]:
        """All columns that are named."""
        single = (self.query, self.document, self.label, self.query_id, self.document_id)
        several = (*(self.positive or ()), *(self.negative or ()))
        return frozenset(filter(None, (*single, self.title, *several)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """What is in which column of rows.

    Either `document` with a `label` for each, or `positive` and perhaps `negative`, texts or lists
    of texts in several columns.
    """

    query: str
    document: str | None = None
    label: str | None = None
    positive: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    query_id: str | None = None
    document_id: str | None = None
    title: str | None = None

    def named(self) -> Iterator[tuple[str, str]]:
        """What is read, and from which columns."""
        single = {
            "query": self.query,
            "document": self.document,
            "label": self.label,
            "query id": self.query_id,
            "document id": self.document_id,
            "title": self.title,
        }
        yield from ((what, column) for what, column in single.items() if column is not None)
        for what, columns in (("positive", self.positive), ("negative", self.negative)):
            if columns:
                yield what, ", ".join(columns)

    @property
    def is_pairs(self) -> bool:
        """Whether every row counts as relevant."""
        return self.label is None and not self.negative

    def used(self) -> frozenset[str]:
        single = (self.query, self.document, self.label, self.query_id, self.document_id)
        named = (*single, self.title, *self.positive, *self.negative)
        return frozenset(name for name in named if name is not None)


def plain(name: str) -> str:
    """A name as names are compared: `Query-ID`, `query_id` and `queryId` are one."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


class Guess:
    """Chooses columns by their usual names; none is chosen twice, or that an option names."""

    def __init__(self, columns: Sequence[str], named: Iterable[str] = ()) -> None:
        """Keep what the options name for them."""
        self._columns = columns
        kept = frozenset(named)
        self._free = {name: plain(name) for name in columns if name not in kept}

    def take(self, option: str, wanted: str | None, usual: Sequence[str]) -> str | None:
        """The column that was named, or the first of the usual names that there is.

        Raises UsageError for one that is not there.
        """
        if wanted is not None:
            return self._named(option, wanted)
        for spelling in usual:
            for name, spelled in self._free.items():
                if spelled == spelling:
                    del self._free[name]
                    return name
        return None

    def take_all(
        self, option: str, wanted: Sequence[str] | None, usual: re.Pattern[str]
    ) -> tuple[str, ...]:
        """All columns that were named, or else those whose names are of a kind."""
        if wanted is not None:
            taken = (self._named(option, name) for name in wanted)
            return tuple(name for name in taken if name is not None)
        return tuple(name for name, taken in self._free.items() if usual.fullmatch(taken))

    def _named(self, option: str, wanted: str) -> str | None:
        if wanted in self._columns:
            return wanted
        if wanted == UNUSED:
            return None
        raise UsageError(f"--{option} {wanted}: no such column; {nearest(wanted, self._columns)}")


def guess_rows(columns: Sequence[str], options: ColumnOptions) -> RowColumns:
    """Which columns of rows hold what. Raises UsageError naming the columns and the options."""
    found = _choose(columns, options)
    named = (found.query, found.document, found.label, *found.positive, *found.negative)
    for column in named:
        if named.count(column) > 1 and column is not None:
            raise UsageError(f"column '{column}' is named for two things; name another for one")
    return found


def _choose(columns: Sequence[str], options: ColumnOptions) -> RowColumns:
    guess = Guess(columns, options.named())
    query_id = guess.take("query-id", options.query_id, QUERY_ID)
    document_id = guess.take("document-id", options.document_id, DOCUMENT_ID)
    title = guess.take("title", options.title, TITLE)
    query = guess.take("query", options.query, QUERY)
    label = guess.take("label", options.label, LABEL)
    positive = guess.take_all("positive", options.positive, _POSITIVE)
    negative = guess.take_all("negative", options.negative, _NEGATIVE)
    document = guess.take("document", options.document, DOCUMENT)
    if query is None:
        raise unknown("query", "query", columns)
    text = document if options.document is not None or not positive else positive[0]
    if text is None:
        raise unknown("documents", "document", columns)
    columns_of_rows = RowColumns(
        query=query, query_id=query_id, document_id=document_id, title=title
    )
    if label is not None and not _is_tuples(options, negative):
        return replace(columns_of_rows, document=text, label=label)
    texts = positive or (text,)
    if len(texts) == 1 and not negative:
        return replace(columns_of_rows, positive=texts)
    if options.document_id not in (None, UNUSED) or options.title not in (None, UNUSED):
        raise UsageError("--document-id and --title are for rows with one document each")
    # A column of ids or titles beside several documents belongs to none of them for sure.
    return replace(
        columns_of_rows, positive=texts, negative=negative, document_id=None, title=None
    )


def _is_tuples(options: ColumnOptions, negative: Sequence[str]) -> bool:
    """Whether a column of labels is rather something else beside positives and negatives."""
    if options.positive is not None or options.negative is not None:
        return True
    return bool(negative) and options.label is None


def unknown(what: str, option: str, columns: Sequence[str]) -> UsageError:
    """No name tells which column holds something."""
    names = ", ".join(columns[:20]) + (", …" if len(columns) > 20 else "")
    return UsageError(
        f"no column's name says that it holds the {what} (there are: {names}); "
        f"name it: --{option} COLUMN"
    )
