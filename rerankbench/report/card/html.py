"""A card as one self-contained page, and the page that lists all cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from markupsafe import Markup

from rerankbench.compare.rated import TaskRatings
from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.report.card import tables, words
from rerankbench.report.card.card import Card
from rerankbench.report.page import page
from rerankbench.report.plots.intervals import Estimate, IntervalPanel, draw
from rerankbench.report.plots.plot import Plot, figure_html
from rerankbench.stats.bradley_terry import MEAN_RATING

_CONTENTS = (
    ("information", "Model information"),
    ("record", "Performance record"),
    ("collections", "Performance by collection"),
    ("compare", "Compare"),
    ("method", "How to read this page"),
)
_DESCRIPTION = "What this reranker did against others on the same queries and candidates."
_CHART_NOTE = (
    "The bars are bootstrap intervals over queries. The dashed line is the mean of all rated "
    "rerankers."
)


def render(card: Card, pages: Mapping[str, str] | None = None) -> str:
    """The page; `pages` maps a reranker's name to its file beside this one, "" to the list."""
    pages = pages or {}
    standing = card.standing
    return page(
        "card.html",
        card.name,
        description=card.description or _DESCRIPTION,
        contents=_CONTENTS,
        card=card,
        words=words,
        pages=pages,
        back=pages.get("", ""),
        tiles=list(_tiles(card)),
        shares=(("good", standing.wins), ("even", standing.ties), ("bad", standing.losses)),
        games=fragment([tables.games(card)]),
        ratings=_ratings(card),
        figures=fragment([tables.accuracy(card), tables.latency(card)]),
    )


def render_list(rated: TaskRatings, notes: Sequence[str], pages: Mapping[str, str]) -> str:
    """The page that lists all rated rerankers and links to their cards."""
    return page(
        "card_list.html",
        words.LIST_TITLE,
        description=f"By {rated.decided_by}, query by query.",
        standings=fragment([replace(tables.standings(rated, pages), title=words.LIST_TITLE)]),
        notes=notes,
    )


def _tiles(card: Card) -> Iterator[tuple[str, str, str]]:
    """Label, figure, and the line below it."""
    possible = card.standing.ranks_text
    yield "Leaderboard rank", words.rank(card.rating), f"possible: {possible}" if possible else ""
    for label, entry, rank in tables.headline(card):
        between = "" if entry.span is None else f" ({entry.span[0]:.0f}–{entry.span[1]:.0f})"
        yield label, replace(entry, span=None).text, f"{rank}{between}"


def _ratings(card: Card) -> Markup:
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
    return figure_html(
        Plot(
            name="ratings",
            title=table.title,
            description=" ".join(
                f"{name}: {estimate.mean:.0f} ({estimate.low:.0f} to {estimate.high:.0f})."
                for name, estimate in estimates.items()
            ),
            draw=partial(draw, groups, list(estimates), quality_label="Rating"),
            table=table,
            notes=(_CHART_NOTE,),
        )
    )
