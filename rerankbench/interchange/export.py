"""Records → files of other tools, each written whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rerankbench.archive import Archive
from rerankbench.errors import UsageError, nearest
from rerankbench.files import gzip_bytes, write_whole
from rerankbench.interchange import ir_measures_files, mteb_files, ranx_files, trec_files
from rerankbench.progress import Progress

FORMATS: Mapping[str, Callable[[Archive, Progress], Iterator[tuple[str, str]]]] = {
    "trec": trec_files.files,
    "ranx": ranx_files.files,
    "ir-measures": ir_measures_files.files,
    "mteb": mteb_files.files,
}


def export(
    archive: Archive, format_name: str, folder: Path, *, gzipped: bool, progress: Progress
) -> int:
    """Write the records' files of one format below a folder; how many there were.

    `gzipped` packs TREC files, with `.gz` behind their names. Raises UsageError for an unknown
    format, and where there is nothing to write.
    """
    if format_name not in FORMATS:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, FORMATS)}")
    if gzipped and format_name != "trec":
        raise UsageError(f"--gzip packs TREC files; leave it out with --format {format_name}")
    count = 0
    for name, text in FORMATS[format_name](archive, progress):
        path = folder / (f"{name}.gz" if gzipped else name)
        write_whole(path, gzip_bytes(text) if gzipped else text)
        count += 1
    if not count:
        remedy = "name records that hold what it needs"
        raise UsageError(f"nothing to write as {format_name}; {remedy}")
    return count
