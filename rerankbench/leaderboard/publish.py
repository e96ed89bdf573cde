"""Records → text in one of the formats."""

from __future__ import annotations

import sys

from rerankbench.archive import Archive
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.renderers import RECORDS_FORMAT, json, renderer

DEFAULT_FORMAT = "markdown"


def publish(archive: Archive, layout: Layout, format_name: str) -> str:
    """The leaderboard as text; JSON holds every record, whatever the layout.

    Raises UsageError for an unknown format, or where no record fits the layout.
    """
    if format_name == RECORDS_FORMAT:
        return json.render(archive.records)
    return renderer(format_name)(build(archive, layout))


def show(archive: Archive, layout: Layout) -> None:
    """Write the leaderboard to stdout: to a terminal for reading, piped as Markdown.

    Raises UsageError where no record fits the layout.
    """
    if not sys.stdout.isatty():
        sys.stdout.write(publish(archive, layout, DEFAULT_FORMAT))
        return
    # Imported here: whoever pipes does not wait for it.
    from rich.console import Console

    from rerankbench.leaderboard.renderers import terminal

    terminal.show(build(archive, layout), Console(highlight=False))
