"""Makes cards from records: one as text, or all as files with links between them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from types import ModuleType

from rerankbench.compare.judged import StoredJudge
from rerankbench.compare.rated import TaskRatings, by_name, rate
from rerankbench.compare.rated_words import method
from rerankbench.errors import UsageError, nearest
from rerankbench.report.card.card import make_card
from rerankbench.report.screen import is_read_at_terminal
from rerankbench.types import Record, slug

_FORMATS: Mapping[str, tuple[str, str]] = {
    "markdown": ("rerankbench.report.card.markdown", "md"),
    "html": ("rerankbench.report.card.html", "html"),
}
_AT_TERMINAL = "rerankbench.report.card.terminal"
_LIST = "index"


def card_text(
    records: Sequence[Record],
    name: str,
    format_name: str | None,
    *,
    metric: str | None = None,
    margin: float = 0.0,
    judge: StoredJudge | None = None,
) -> str:
    """One card; the metric or the judge decides the games.

    Without a format it is for reading: as a terminal shows it, or Markdown when piped.
    Raises UsageError for an unknown name or format, or if nothing can be rated.
    """
    if format_name is None and is_read_at_terminal():
        renderer = importlib.import_module(_AT_TERMINAL)
    else:
        renderer, _ = _renderer(format_name or "markdown")
    rated = rate(by_name(records), metric=metric, margin=margin, judge=judge)
    text: str = renderer.render(make_card(rated, name))
    return text


def all_cards(
    records: Sequence[Record],
    format_name: str,
    *,
    metric: str | None = None,
    margin: float = 0.0,
    judge: StoredJudge | None = None,
) -> dict[str, str]:
    """File name → text: a card of every rated reranker, and `index` with links to them.

    Raises UsageError as `card_text` does.
    """
    renderer, suffix = _renderer(format_name)
    rated = rate(by_name(records), metric=metric, margin=margin, judge=judge)
    pages = {"": f"{_LIST}.{suffix}"} | _pages(rated, suffix)
    files = {
        pages[standing.name]: renderer.render(make_card(rated, standing.name), pages)
        for standing in rated.overall.standings
    }
    return files | {pages[""]: renderer.render_list(rated, list(method(rated)), pages)}


def _pages(rated: TaskRatings, suffix: str) -> dict[str, str]:
    """Name → file of letters, digits and hyphens; equal file names get a number."""
    taken = {_LIST}
    pages = {}
    for name in sorted(standing.name for standing in rated.overall.standings):
        stem = base = slug(name)[:80] or "reranker"
        number = 2
        while stem in taken:
            stem, number = f"{base}-{number}", number + 1
        taken.add(stem)
        pages[name] = f"{stem}.{suffix}"
    return pages


def _renderer(format_name: str) -> tuple[ModuleType, str]:
    if format_name not in _FORMATS:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, _FORMATS)}")
    module, suffix = _FORMATS[format_name]
    # Only HTML draws, and matplotlib is slow to import.
    return importlib.import_module(module), suffix
