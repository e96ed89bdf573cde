"""`rerankbench datasets`: the collections known by name."""

from __future__ import annotations

from dataclasses import asdict

from rerankbench.cli.listing import FormatOption, ListFormat, print_list
from rerankbench.known import collections
from rerankbench.known.collections import KnownCollection
from rerankbench.leaderboard.table import Entry, Header, headers, table_of

_ELSEWHERE = (
    "As well as these, -d takes `demo`, the path of a BEIR folder, and every id of ir_datasets "
    "(https://ir-datasets.com), such as msmarco-passage/dev/small."
)
_HEADS = ("Collection", "Dataset id (-d)", "Split", "Queries", "Documents")


def datasets(output: FormatOption = ListFormat.TABLE) -> None:
    """List known collections: ids, sizes, licences, conventions.

    Example: rerankbench datasets --format markdown
    """
    entries = collections.known()
    heads = headers(_HEADS, texts=3)
    screen = [_entries(entry) for entry in entries]
    page = [
        (*row, Entry(value="yes" if entry.licence_needed else None), Entry(value=entry.note))
        for row, entry in zip(screen, entries, strict=True)
    ]
    print_list(
        output,
        facts=[asdict(entry) for entry in entries],
        page=table_of((*heads, Header(text="Licence needed"), Header(text="Note")), page),
        screen=table_of(heads, screen),
        notes={entry.name: entry.note for entry in entries if entry.note},
        last=_ELSEWHERE,
    )


def _entries(entry: KnownCollection) -> tuple[Entry, ...]:
    return (
        Entry(value=entry.name),
        Entry(value=entry.shown_id or "none"),
        Entry(value=entry.split),
        Entry(value=f"{entry.queries:,}"),
        Entry(value=f"{entry.documents:,}"),
    )
