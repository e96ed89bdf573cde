"""Finished tables as parts of a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.leaderboard.table import Table
from rerankbench.report.page import Html


def tables_html(tables: Sequence[Table]) -> Html:
    """Each table under its title, in a frame of its own, with its notes as a list."""
    return Html(fragment(tables))


def table_html(table: Table, title: str = "") -> Html:
    """One table, under `title` where it has none of its own."""
    return tables_html([replace(table, title=table.title or title)])
