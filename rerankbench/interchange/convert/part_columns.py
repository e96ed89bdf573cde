"""Which column holds what in a corpus, in queries and in judgments that are files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files.part_files import Part
from rerankbench.interchange.convert.columns import (
    DOCUMENT,
    DOCUMENT_ID,
    LABEL,
    QUERY,
    QUERY_ID,
    TITLE,
    UNUSED,
    ColumnOptions,
    Guess,
    plain,
    unknown,
)

_QUERY_IDS = (*QUERY_ID, "query", "topic", "qry")
_DOCUMENT_IDS = (*DOCUMENT_ID, "document", "doc", "passage")
_MANY_IDS = ("corpusids", "documentids", "docids", "passageids", "candidates", "topranked")
_HEADLESS: dict[Part, dict[int, tuple[str, ...]]] = {
    "queries": {2: ("id", "query")},
    # MS MARCO's passages have two columns, its documents four.
    "corpus": {2: ("id", "text"), 3: ("id", "title", "text"), 4: ("id", "url", "title", "text")},
    "qrels": {
        3: ("query-id", "document-id", "grade"),
        4: ("query-id", "iteration", "document-id", "grade"),
    },
    "candidates": {2: ("query-id", "document-id")},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartColumns:
    """What is in which column; what a part has not is None."""

    query_id: str | None = None
    document_id: str | None = None
    title: str | None = None
    text: str | None = None
    label: str | None = None

    def named(self) -> Iterator[tuple[str, str]]:
        """What is read, and from which column."""
        for name, column in asdict(self).items():
            if column is not None:
                yield name.replace("_", " "), column

    def used(self) -> frozenset[str]:
        return frozenset(column for _, column in self.named())


def heading_of(part: Part, path: Path) -> Callable[[Sequence[str]], Sequence[str] | None]:
    """What tells whether a first line names the columns, and if not, what they are called.

    MS MARCO's files and TREC's judgments have no heading.
    """
    heads = frozenset(("id", *_QUERY_IDS, *_DOCUMENT_IDS))

    def heading(first: Sequence[str]) -> Sequence[str] | None:
        if plain(first[0]) in heads:
            return None
        names = _HEADLESS[part].get(len(first))
        if names is None:
            expected = " or ".join(map(str, _HEADLESS[part]))
            problem = f"{len(first)} columns and no heading that names the {part}"
            remedy = f"expected {expected} columns, or a first line that names them"
            raise InputError(path, problem, line=1, remedy=remedy)
        return names

    return heading


def guess_part(part: Part, columns: Sequence[str], options: ColumnOptions) -> PartColumns:
    """Which columns hold what. Raises UsageError.

    An option counts where there is a column of that name: the three files share the options.
    """
    column_options = ColumnOptions(
        **{
            name: value
            for name, value in asdict(options).items()
            if isinstance(value, str) and (value in columns or value == UNUSED)
        }
    )
    guess = Guess(columns, column_options.named())

    def must(option: str, wanted: str | None, usual: Sequence[str]) -> str:
        column = guess.take(option, wanted, usual)
        if column is None:
            raise unknown(f"{option.replace('-', ' ')} of the {part}", option, columns)
        return column

    if part == "queries":
        return PartColumns(
            query_id=must("query-id", column_options.query_id, ("id", *QUERY_ID)),
            text=must("query", column_options.query, (*QUERY, "text")),
        )
    if part == "corpus":
        return PartColumns(
            document_id=must("document-id", column_options.document_id, ("id", *DOCUMENT_ID)),
            title=guess.take("title", column_options.title, TITLE),
            text=must("document", column_options.document, DOCUMENT),
        )
    query_id = must("query-id", column_options.query_id, _QUERY_IDS)
    if part == "candidates":
        ids = must("document-id", column_options.document_id, (*_MANY_IDS, *_DOCUMENT_IDS))
        return PartColumns(query_id=query_id, document_id=ids)
    return PartColumns(
        query_id=query_id,
        document_id=must("document-id", column_options.document_id, _DOCUMENT_IDS),
        label=must("label", column_options.label, LABEL),
    )
