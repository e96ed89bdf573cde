"""A short page about a baseline, for whoever reviews a change of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rerankbench.gate.cells import cell_name
from rerankbench.leaderboard.renderers import markdown
from rerankbench.leaderboard.table import Entry, Row, Table, headers
from rerankbench.results import derived, grouping
from rerankbench.types import Record

_HEADER = """\
# Baseline `{name}`

`rerankbench gate {name} NEW` compares with it; `rerankbench baseline promote {name}` replaces it.
Do not edit by hand: this page comes from `records/`.

"""


def readme(name: str, records: Sequence[Record]) -> str:
    """The page beside the records: one line a cell, and where the figures come from."""
    return _HEADER.format(name=name) + markdown.render([table("", records)])


def table(title: str, records: Sequence[Record]) -> Table:
    """One row a record: cell, queries, mean of the headline metric, and docs/s where measured."""
    metric = derived.headline(records) or "nDCG@10"
    heads = headers(("Cell", "Queries", metric))
    timed = any(derived.docs_per_s(record) is not None for record in records)
    if timed:
        heads += headers(("Docs/s", "Machine"), figures=("Docs/s",))
    rows = tuple(Row(entries=tuple(_entries(record, metric, timed))) for record in records)
    return Table(title=title, columns=heads, rows=rows, notes=tuple(_notes(records)))


def _entries(record: Record, metric: str, timed: bool) -> Iterator[Entry]:
    yield Entry(value=str(cell_name(record)))
    yield Entry(value=derived.query_count(record), form="fixed")
    yield Entry(value=derived.mean_of(record, metric), form="fixed", decimals=4)
    if timed:
        speed = derived.docs_per_s(record)
        yield Entry(value=speed, form="rate")
        yield Entry(value=None if speed is None else record.environment.machine_id)


def _notes(records: Sequence[Record]) -> Iterator[str]:
    """When, where and with which version records were made; each combination once."""
    lines = []
    for record in sorted(records, key=grouping.age):
        environment = record.environment
        version = environment.packages.get("rerankbench", "of unknown version")
        commit = f" (commit {environment.git_sha})" if environment.git_sha else ""
        lines.append(
            f"Measured on {record.started_at[:10]} by rerankbench {version}{commit} on "
            f"{environment.cpu}, {environment.cores} cores (machine {environment.machine_id})."
        )
    yield from dict.fromkeys(lines)
