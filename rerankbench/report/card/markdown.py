"""A card as GitHub-flavoured Markdown, and the page that lists all cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rerankbench.compare.rated import TaskRatings
from rerankbench.leaderboard.renderers import markdown
from rerankbench.leaderboard.renderers.markdown import escape
from rerankbench.leaderboard.table import Table
from rerankbench.report.card import tables, words
from rerankbench.report.card.card import Card


def render(card: Card, pages: Mapping[str, str] | None = None) -> str:
    """The page; `pages` maps a reranker's name to its file beside this one, "" to the list."""
    pages = pages or {}
    blocks = [
        f"[{words.BACK}]({pages['']})" if "" in pages else "",
        f"# {escape(card.name)}",
        escape(card.description),
        f"**Leaderboard rank: {words.rank(card.rating)}**"
        + (f" (possible ranks: {card.standing.ranks_text})" if card.standing.ranks_text else ""),
        _plain(tables.headline_table(card)),
        "## Model information",
        _plain(tables.facts(card)),
        "## Performance record",
        _plain(replace(tables.games(card), title="")),
        "## Performance by collection",
        markdown.render([tables.ratings(card), tables.accuracy(card), tables.latency(card)]),
        "## Compare",
        "\n".join(_compare(card, name, pages) for name in card.others),
        "## How to read this page",
        "\n".join(
            [f"- {escape(line)}" for line in card.method]
            + [f"- **Caution**: {escape(line)}" for line in card.cautions]
        ),
    ]
    return "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"


def render_list(rated: TaskRatings, notes: Sequence[str], pages: Mapping[str, str]) -> str:
    """The page that lists all rated rerankers and links to their cards."""
    table = tables.standings(rated, pages)
    lines = "\n".join(f"- {escape(note)}" for note in notes)
    return f"# {words.LIST_TITLE}\n\n{_plain(table)}\n{lines}\n"


def _plain(table: Table) -> str:
    return markdown.render([table])


def _compare(card: Card, name: str, pages: Mapping[str, str]) -> str:
    shown = f"[{escape(name)}]({pages[name]})" if name in pages else escape(name)
    return f"- {shown}: {_code(words.compare_command(card.name, name))}"


def _code(command: str) -> str:
    """A code span, fenced by more backticks than it contains in a row."""
    fence = "`"
    while fence in command:
        fence += "`"
    edge = " " if command.startswith("`") or command.endswith("`") else ""
    return f"{fence}{edge}{command}{edge}{fence}"
