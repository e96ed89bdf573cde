"""A card as a terminal shows it."""

from __future__ import annotations

from dataclasses import replace

from rerankbench.report.card import tables, words
from rerankbench.report.card.card import Card
from rerankbench.report.screen import Screen


def render(card: Card) -> str:
    """The same parts as on the page."""
    screen = Screen()
    screen.heading(card.name)
    screen.lines([card.description] if card.description else [], "", "")
    screen.lines(
        [f"Leaderboard rank: {words.leaderboard_rank(card.rating, card.standing.ranks_text)}"],
        "",
        "",
    )
    screen.tables(tables.headline_table(card))
    screen.tables(replace(tables.facts(card), title="Model information"))
    screen.tables(tables.games(card))
    screen.tables(tables.ratings(card), tables.accuracy(card), tables.latency(card))
    screen.heading("Compare")
    screen.lines([words.compare_command(card.name, name) for name in card.others])
    screen.heading("How to read this page")
    screen.lines([*card.method, *(f"Caution: {line}" for line in card.cautions)])
    return screen.text()
