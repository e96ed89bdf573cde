"""Two models side by side as Markdown that also reads well in a terminal."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from rerankbench.compare.side_by_side import Comparison, QueryDifference, RankedDocument
from rerankbench.leaderboard.renderers import markdown
from rerankbench.report.comparison import words
from rerankbench.types import Document

_COLUMNS = 80
# Text that would begin a list, a heading or a rule at the start of a line.
_MARK = re.compile(r"(\d+)?((?(1)[.)]|[-+])(?=\s|$)|-(?=-)|#|=)")


def render(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """The summary of all collections, then each of them with its queries."""
    first = comparisons[0]
    lines = [
        f"## {markdown.escape(words.title(first))}",
        "",
        *_item(f"A: {first.pair.a.label}"),
        *_item(f"B: {first.pair.b.label}"),
        "",
        markdown.render([words.summary(comparisons)]).rstrip("\n"),
        "",
        *(line for note in (*words.explanations(comparisons), *notes) for line in _item(note)),
    ]
    for comparison in comparisons:
        lines += ["", f"### {markdown.escape(words.heading(comparison))}", "", *_part(comparison)]
    return "\n".join(lines) + "\n"


def _part(comparison: Comparison) -> Iterator[str]:
    table = words.speed_table(comparison)
    if table is not None:
        yield markdown.render([table]).rstrip("\n")
        yield ""
    for note in words.remarks(comparison):
        yield from _item(note)
    for query in comparison.differing:
        yield ""
        yield from _query(query, comparison)


def _query(query: QueryDifference, comparison: Comparison) -> Iterator[str]:
    yield from _item(f"{words.identifier(query.query_id)}: {words.query_text(query)}")
    yield from _wrapped(words.values(query, comparison.metric), "  ", "  ")
    for label, tops in words.rankings(query, comparison):
        if tops is not None:
            heading = "ranked first:" if tops else "ranked nothing"
            yield from _wrapped(f"{label} {heading}", "  - ", "    ")
            for place, ranked in enumerate(tops, 1):
                yield from _document(place, ranked, query, comparison.documents)


def _document(
    place: int, ranked: RankedDocument, query: QueryDifference, documents: Mapping[str, Document]
) -> Iterator[str]:
    remarks = words.facts(ranked, query)
    name = words.identifier(ranked.doc_id)
    yield from _wrapped(f"{name} ({remarks})" if remarks else name, f"    {place}. ", "       ")
    if ranked.doc_id in documents:
        parts = [part for part in words.snippet(documents[ranked.doc_id]) if part]
        yield from _wrapped(" — ".join(parts) or "(empty)", "       ", "       ")


def _item(text: str) -> list[str]:
    return _wrapped(text, "- ", "  ")


def _wrapped(text: str, first: str, then: str) -> list[str]:
    """Escaped lines that fit a terminal; continuation lines never start a new block."""
    room = _COLUMNS - len(then)
    lines = textwrap.wrap(
        markdown.escape(text), room, break_long_words=False, break_on_hyphens=False
    )
    return [(then if at else first) + _guarded(line) for at, line in enumerate(lines or [""])]


def _guarded(line: str) -> str:
    mark = _MARK.match(line)
    return f"{line[: mark.start(2)]}\\{line[mark.start(2) :]}" if mark else line
