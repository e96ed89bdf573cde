"""Values per query in the lines that `ir_measures --by_query --places -1` prints."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from rerankbench import figures
from rerankbench.archive import Archive
from rerankbench.identity import digest
from rerankbench.interchange.names import ir_measures_name, run_stem, told_apart
from rerankbench.progress import Progress
from rerankbench.types import Record


def files(archive: Archive, progress: Progress) -> Iterator[tuple[str, str]]:
    """Name and text: a line for each query and measure, then the means under the query `all`."""
    for metric in sorted({name for record in archive.records for name in record.per_query}):
        if ir_measures_name(metric) is None:
            progress.warn(f"ir_measures has no {metric}; left out")
    found = {
        (run_stem(record), digest(text)): text
        for record in figures.in_order(archive.records)
        if (text := _lines(record))
    }
    stems = told_apart(found)
    for key, text in found.items():
        yield f"{stems[key]}.ir_measures.tsv", text


def _lines(record: Record) -> str:
    known = {
        name: values
        for metric, values in record.per_query.items()
        if (name := ir_measures_name(metric)) is not None
    }
    lines = [
        f"{query}\t{name}\t{value}\n"
        for name, values in known.items()
        for query, value in values.items()
    ]
    lines += [f"all\t{name}\t{fmean(values.values())}\n" for name, values in known.items()]
    return "".join(lines)
