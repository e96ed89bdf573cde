"""Pure functions from tables to text, one format a file, reached by name.

A new format is one file with `render(tables) -> str` and one line here. JSON is the exception: it
is the interface for programs, holds every record as it is, and knows no layout.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from rerankbench.errors import UsageError, nearest
from rerankbench.leaderboard.table import Table

TableRenderer: TypeAlias = Callable[[Sequence[Table]], str]

_RENDERERS: Mapping[str, str] = {
    "markdown": "rerankbench.leaderboard.renderers.markdown",
    "csv": "rerankbench.leaderboard.renderers.csv",
    "latex": "rerankbench.leaderboard.renderers.latex",
    "html": "rerankbench.leaderboard.renderers.html",
}
RECORDS_FORMAT = "json"


def names() -> list[str]:
    """Every format."""
    return [*_RENDERERS, RECORDS_FORMAT]


def renderer(name: str) -> TableRenderer:
    """The function that writes tables in that format. Raises UsageError for an unknown one."""
    module = _RENDERERS.get(name)
    if module is None:
        raise UsageError(f"no format '{name}'; {nearest(name, names())}")
    render: TableRenderer = importlib.import_module(module).render
    return render
