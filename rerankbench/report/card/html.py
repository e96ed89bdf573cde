"""A card as one page that needs nothing but itself, and the page that lists all cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from rerankbench.compare.rated import TaskRatings
from rerankbench.report.card import tables, words
from rerankbench.report.card.card import Card
from rerankbench.report.page import Html, join, link, page, section, tag, text
from rerankbench.report.plots.intervals import Estimate, IntervalPanel, draw
from rerankbench.report.plots.plot import Plot, figure_html
from rerankbench.report.sections.section import facts
from rerankbench.report.tables import table_html, tables_html
from rerankbench.stats.bradley_terry import MEAN_RATING

_DESCRIPTION = "What this reranker did against others on the same queries and candidates."
_CHART_NOTE = (
    "The bars are bootstrap intervals over queries. The dashed line is the mean of all that were "
    "rated."
)


def render(card: Card, pages: Mapping[str, str] | None = None) -> str:
    """The page; `pages` maps a reranker's name to its file beside this one, "" to the list."""
    pages = pages or {}
    parts = [
        ("information", "Model information", [_facts(card)]),
        ("record", "Performance record", [_bar(card), table_html(tables.games(card))]),
        ("collections", "Performance by collection", list(_collections(card))),
        ("compare", "Compare", [_compare(card, pages)]),
        ("method", "How to read this page", [_notes(card.method), *_cautions(card)]),
    ]
    back = tag("p", link(pages[""], Html(f"← {words.BACK}"))) if "" in pages else Html("")
    sections = [section(name, title, *content) for name, title, content in parts]
    return page(
        card.name,
        join([back, _tiles(card), *sections]),
        description=card.description or _DESCRIPTION,
        contents=[(name, title) for name, title, _ in parts],
    )


def render_list(rated: TaskRatings, notes: Sequence[str], pages: Mapping[str, str]) -> str:
    """The page that lists all rated rerankers and links to their cards."""
    body = [
        table_html(tables.standings(rated, pages), words.LIST_TITLE),
        section("method", "How to read this page", _notes(notes)),
    ]
    return page(
        words.LIST_TITLE, join(body), description=f"By {rated.decided_by}, query by query."
    )


def _tiles(card: Card) -> Html:
    possible = card.standing.ranks_text
    ranks = f"possible: {possible}" if possible else ""
    tiles = [_tile("Leaderboard rank", words.rank(card.rating), ranks)]
    for label, entry, rank in tables.headline(card):
        between = "" if entry.span is None else f" ({entry.span[0]:.0f}–{entry.span[1]:.0f})"
        tiles.append(_tile(label, replace(entry, span=None).text, f"{rank}{between}"))
    return tag("div", *tiles, class_="cards")


def _tile(label: str, value: str, below: str) -> Html:
    parts = (tag("span", text(label)), tag("b", text(value)), tag("span", below))
    return tag("div", *parts, class_="card")


def _facts(card: Card) -> Html:
    unknown = tag("span", words.UNKNOWN, class_="muted")
    return facts({label: text(value) if value else unknown for label, value in card.facts.items()})


def _bar(card: Card) -> Html:
    """Wins, ties and losses side by side, as wide as they are many; the table says it in words."""
    standing = card.standing
    parts = (("good", standing.wins), ("even", standing.ties), ("bad", standing.losses))
    spans = (
        tag("span", class_=name, style=f"flex-grow: {count}") for name, count in parts if count
    )
    return tag("div", *spans, class_="share", aria_hidden="true")


def _collections(card: Card) -> Iterator[Html]:
    estimates = {
        task.title: Estimate(
            mean=task.standing.rating,
            low=task.standing.low,
            high=task.standing.high,
            queries=task.played_queries,
        )
        for task in card.tasks
    }
    groups = [IntervalPanel(title="", estimates=estimates, reference=MEAN_RATING)]
    table = tables.ratings(card)
    yield figure_html(
        Plot(
            name="ratings",
            title=table.title,
            description=" ".join(
                f"{name}: {one.mean:.0f} ({one.low:.0f} to {one.high:.0f})."
                for name, one in estimates.items()
            ),
            draw=partial(draw, groups, list(estimates), quality_label="Rating"),
            table=table,
            notes=(_CHART_NOTE,),
        )
    )
    yield tables_html([tables.accuracy(card), tables.latency(card)])


def _compare(card: Card, pages: Mapping[str, str]) -> Html:
    items = (
        tag("li", _linked(name, pages), ": ", tag("code", words.compare_command(card.name, name)))
        for name in card.others
    )
    return tag("ul", *items)


def _linked(name: str, pages: Mapping[str, str]) -> Html:
    return link(pages.get(name, ""), name)


def _notes(notes: Sequence[str]) -> Html:
    return tag("ul", *(tag("li", text(note)) for note in notes))


def _cautions(card: Card) -> Iterator[Html]:
    if card.cautions:
        yield tag("h3", "Cautions")
        yield tag("div", _notes(card.cautions), class_="caution")
