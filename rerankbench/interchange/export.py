"""Exports records to files of other tools, each written whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from rerankbench.errors import UsageError, nearest
from rerankbench.files.whole import gzip_bytes, write_whole
from rerankbench.interchange import ir_measures_files, mteb_files, ranx_files, trec_files
from rerankbench.progress import Progress
from rerankbench.results.record_set import RecordSet

Files: TypeAlias = Iterator[tuple[str, str]]
"""Name and text of each file, made on demand."""

_OF_RUNS: Mapping[str, Callable[[RecordSet, Progress, bool], Files]] = {
    "trec": trec_files.files,
    "ranx": ranx_files.files,
}
_OF_FIGURES: Mapping[str, Callable[[RecordSet, Progress], Files]] = {
    "ir-measures": ir_measures_files.files,
    "mteb": mteb_files.files,
}
FORMATS = (*_OF_RUNS, *_OF_FIGURES)


def export(
    archive: RecordSet,
    format_name: str,
    folder: Path,
    *,
    gzipped: bool,
    untied: bool,
    progress: Progress,
) -> int:
    """Write the records' files of one format below a folder; returns how many.

    `gzipped` packs TREC files, with `.gz` after their names. `untied` gives runs scores by rank,
    so that every tool computes our figures. Raises UsageError for an unknown format, for options
    that it does not support, and if there is nothing to write.
    """
    if format_name not in FORMATS:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, FORMATS)}")
    if untied and format_name not in _OF_RUNS:
        raise UsageError(
            f"--untied changes the scores of runs; leave it out with --format {format_name}"
        )
    if gzipped and format_name != "trec":
        raise UsageError(f"--gzip packs TREC files; leave it out with --format {format_name}")
    count = 0
    for name, text in _files(archive, format_name, progress, untied=untied):
        path = folder / (f"{name}.gz" if gzipped else name)
        write_whole(path, gzip_bytes(text) if gzipped else text)
        count += 1
    if not count:
        remedy = "name records that have what this format needs"
        raise UsageError(f"nothing to write as {format_name}; {remedy}")
    return count


def _files(archive: RecordSet, format_name: str, progress: Progress, *, untied: bool) -> Files:
    if format_name in _OF_RUNS:
        return _OF_RUNS[format_name](archive, progress, untied)
    return _OF_FIGURES[format_name](archive, progress)
