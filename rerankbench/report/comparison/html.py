"""Two models side by side as one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.compare.side_by_side import Comparison, QueryDifference, RankedDocument
from rerankbench.leaderboard.table import Table
from rerankbench.report.comparison import words
from rerankbench.report.page import Html, join, page, section, tag, text, wide


def render(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """The summary of all collections, then each of them with its queries."""
    first = comparisons[0]
    table = words.summary(comparisons)
    body = [
        _facts({"A": first.pair.a.label, "B": first.pair.b.label}),
        _table(table, "Summary"),
        _notes([*words.explanations(comparisons), *notes]),
    ]
    parts = [(f"task-{at}", each) for at, each in enumerate(comparisons)]
    body += [
        section(identifier, text(words.heading(each)), *_part(each)) for identifier, each in parts
    ]
    return page(
        words.title(first),
        join(body),
        description="Two rerankers side by side on the same candidates, and the queries on which "
        "they differ most.",
        contents=[(name, words.heading(each)) for name, each in parts] if parts[1:] else (),
    )


def _part(comparison: Comparison) -> Iterator[Html]:
    table = words.speed_table(comparison)
    if table is not None:
        yield _table(table, "Speed")
    yield _notes(words.remarks(comparison))
    for query in comparison.differing:
        yield _query(query, comparison)


def _query(query: QueryDifference, comparison: Comparison) -> Html:
    change = query.b - query.a
    return tag(
        "article",
        tag("h3", text(words.query_text(query))),
        tag(
            "p",
            "Query ",
            text(words.identifier(query.query_id)),
            f": {comparison.metric} {query.a:.3f} and {query.b:.3f}, ",
            tag("b", f"{change:+.3f}", class_="good" if change > 0 else "bad"),
            class_="note",
        ),
        tag(
            "div",
            *(
                _ranking(label, tops, query, comparison)
                for label, tops in words.rankings(query, comparison)
                if tops is not None
            ),
            class_="columns",
        ),
    )


def _ranking(
    label: str, tops: Sequence[RankedDocument], query: QueryDifference, comparison: Comparison
) -> Html:
    items = [tag("li", *_document(seen, query, comparison)) for seen in tops]
    inside = tag("ol", *items) if items else tag("p", "Nothing.")
    return tag("div", tag("h4", text(label), " ranked first"), inside)


def _document(
    seen: RankedDocument, query: QueryDifference, comparison: Comparison
) -> Iterator[Html]:
    yield tag("span", text(words.identifier(seen.doc_id)), class_="mono")
    known = words.facts(seen, query)
    if known:
        relevant = seen.grade is not None and seen.grade > 0
        yield tag("span", f" {known}", class_="good" if relevant else "muted")
    if seen.doc_id in comparison.documents:
        title, beginning = words.snippet(comparison.documents[seen.doc_id])
        if title:
            yield tag("div", tag("b", text(title)))
        yield tag("div", text(beginning or "(no text)"), class_="note")


def _table(table: Table, label: str) -> Html:
    head = [
        tag("th", column.text, scope="col", class_="number" if column.align == "right" else None)
        for column in table.columns
    ]
    rows = []
    for row in table.rows:
        first, *others = row.entries
        cells = [tag("td", each.text, class_="number") for each in others]
        rows.append(tag("tr", tag("th", text(first.text), scope="row"), *cells))
    grid = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return wide(grid, label)


def _facts(facts: dict[str, str]) -> Html:
    pairs = (
        part for name, value in facts.items() for part in (tag("dt", name), tag("dd", text(value)))
    )
    return tag("dl", *pairs, class_="facts")


def _notes(notes: Sequence[str]) -> Html:
    return (
        tag("ul", *(tag("li", text(note)) for note in notes), class_="note") if notes else Html("")
    )
