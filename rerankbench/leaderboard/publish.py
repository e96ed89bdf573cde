"""Records → text in one of the formats."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.options import with_metrics
from rerankbench.leaderboard.renderers import RECORDS_FORMAT, json, renderer
from rerankbench.leaderboard.table import Table
from rerankbench.results import row_names
from rerankbench.results.record_set import RecordSet
from rerankbench.results.store import Store
from rerankbench.types import Record

DEFAULT_FORMAT = "markdown"


def publish(archive: RecordSet, layout: Layout, format_name: str) -> str:
    """The leaderboard as text; JSON holds every record, whatever the layout.

    Raises UsageError for an unknown format, or where no record fits the layout.
    """
    if format_name == RECORDS_FORMAT:
        return json.render(archive.records)
    return renderer(format_name)(build(archive, layout))


def show(archive: RecordSet, layout: Layout) -> None:
    """Write the leaderboard to stdout: to a terminal for reading, piped as Markdown.

    Raises UsageError where no record fits the layout.
    """
    sys.stdout.write(readable(build(archive, layout)))


def run_as_text(records: Sequence[Record], store: Store, metrics: Sequence[str] = ()) -> str:
    """The leaderboard of one run's records, as `show` writes it."""
    return readable(tables_of_run(records, store, metrics))


def tables_of_run(
    records: Sequence[Record], store: Store, metrics: Sequence[str] = ()
) -> list[Table]:
    """The leaderboard of one run's records, with every metric that was asked for."""
    records = row_names.tell_apart(records)
    collections = {record.cell.collection.name for record in records}
    layout = load_layout("plain" if len(collections) == 1 else "wide")
    return build(RecordSet(records, [store]), with_metrics(layout, metrics, records))


def readable(tables: Sequence[Table]) -> str:
    """Tables as a terminal shows them where stdout is one, else as Markdown."""
    if not sys.stdout.isatty():
        return renderer(DEFAULT_FORMAT)(tables)
    # Imported here: whoever pipes does not wait for it.
    from rich.console import Console

    from rerankbench.leaderboard.renderers import terminal

    console = Console(highlight=False)
    with console.capture() as captured:
        terminal.show(tables, console)
    return captured.get()
