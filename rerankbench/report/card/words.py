"""The words of a card, for Markdown and HTML alike."""

from __future__ import annotations

import shlex

from rerankbench.leaderboard.table import printable
from rerankbench.report.card.places import RankedFigure
from rerankbench.results.figures import LATENCIES_MS

UNKNOWN = "not known"
NOT_MEASURED = "not measured"
NOT_RANKED = "not ranked"
BACK = "Back to all rerankers"
LIST_TITLE = "Rerankers by rating"


def rank(placed: RankedFigure) -> str:
    """`#8 of 9`, or "not ranked"."""
    return f"#{placed.rank} of {placed.of}" if placed.rank is not None else NOT_RANKED


def leaderboard_rank(placed: RankedFigure, possible: str | None) -> str:
    """The rank, and those that the games leave possible."""
    return f"{rank(placed)} (possible ranks: {possible})" if possible else rank(placed)


def percent(share: float | None) -> str:
    return NOT_MEASURED if share is None else f"{share:.1%}"


def milliseconds(value: float | None) -> str:
    """`95.3 ms` and `2383 ms`."""
    return NOT_MEASURED if value is None else LATENCIES_MS[50].say(value)


def compare_command(first: str, second: str) -> str:
    """The command that compares two rerankers."""
    names = [shlex.quote(printable(name)) for name in (first, second)]
    # A name with a leading hyphen would be read as an option.
    guard = "-- " if any(name.startswith("-") for name in names) else ""
    return f"rerankbench compare {guard}{' '.join(names)}"
