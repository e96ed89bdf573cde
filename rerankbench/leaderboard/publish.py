"""Records → text in one of the formats."""

from __future__ import annotations

from rerankbench.archive import Archive
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.renderers import RECORDS_FORMAT, json, renderer


def publish(archive: Archive, layout: Layout, format_name: str) -> str:
    """The leaderboard as text; JSON holds every record, whatever the layout.

    Raises UsageError for an unknown format, or where no record fits the layout.
    """
    if format_name == RECORDS_FORMAT:
        return json.render(archive.records)
    return renderer(format_name)(build(archive, layout))
