"""Two models side by side as a terminal shows them."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.compare.side_by_side import Comparison, QueryDifference
from rerankbench.report.comparison import words
from rerankbench.report.screen import Screen


def render(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """The summary of all collections, then each of them with its queries."""
    screen, pair = Screen(), comparisons[0].pair
    screen.heading(words.title(comparisons[0]))
    screen.lines([f"A: {pair.a.label}", f"B: {pair.b.label}"])
    screen.tables(words.summary(comparisons))
    screen.lines([*words.explanations(comparisons), *notes])
    for comparison in comparisons:
        _show(screen, comparison)
    return screen.text()


def _show(screen: Screen, comparison: Comparison) -> None:
    screen.heading(words.heading(comparison))
    speeds = words.speed_table(comparison)
    if speeds is not None:
        screen.tables(speeds)
    screen.lines(words.remarks(comparison))
    for query in comparison.differing:
        screen.heading(f"{words.identifier(query.query_id)}: {words.query_text(query)}")
        _show_query(screen, query, comparison)


def _show_query(screen: Screen, query: QueryDifference, comparison: Comparison) -> None:
    screen.lines([words.values(query, comparison.metric)], "  ", "  ")
    for label, tops in words.rankings(query, comparison):
        if tops is None:
            continue
        screen.lines([f"{label} {'ranked first:' if tops else 'ranked nothing'}"], "  ", "  ")
        for place, seen in enumerate(tops, 1):
            known = words.facts(seen, query)
            name = words.identifier(seen.doc_id)
            screen.lines([f"{name} ({known})" if known else name], f"  {place}. ", "     ")
            if seen.doc_id in comparison.documents:
                parts = filter(None, words.snippet(comparison.documents[seen.doc_id]))
                screen.lines([" — ".join(parts) or "(empty)"], "     ", "     ")
