"""Any file that holds rows, as a table: its name tells how it is read."""

from __future__ import annotations

from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files.part_files import ROW_SUFFIXES, Part, suffix_of
from rerankbench.interchange.convert.delimited import heading_is_first, numbered, open_delimited
from rerankbench.interchange.convert.json_rows import open_json
from rerankbench.interchange.convert.parquet import open_parquet
from rerankbench.interchange.convert.part_columns import heading_of
from rerankbench.interchange.convert.tables import Table

_ELSEWHERE = {
    ".xlsx": "save the sheet as CSV (UTF-8)",
    ".xls": "save the sheet as CSV (UTF-8)",
    ".arrow": "save the data set with to_parquet() or to_json()",
    ".feather": "save the table as parquet or CSV",
    ".pkl": "save the rows as CSV, JSON lines or parquet",
    ".pickle": "save the rows as CSV, JSON lines or parquet",
}


def open_rows(path: Path, *, has_heading: bool, quotes: bool) -> Table:
    """A file of rows with texts. Raises InputError."""
    if suffix_of(path) in (".csv", ".tsv"):
        heading = heading_is_first if has_heading else numbered
        return open_delimited(path, heading, quotes=quotes)
    return _open_named(path)


def open_part(part: Part, path: Path) -> Table:
    """A file of a corpus, of queries or judgments. Raises InputError.

    In TSV a line is a row, as MS MARCO and TREC write it: quotation marks are text there.
    """
    if suffix_of(path) == ".csv":
        return open_delimited(path, heading_is_first, quotes=True)
    if suffix_of(path) in (".tsv", ".txt", ".trec", ".qrels", ".qrel"):
        return open_delimited(path, heading_of(part, path), quotes=False)
    return _open_named(path)


def _open_named(path: Path) -> Table:
    suffix = suffix_of(path)
    if suffix == ".parquet":
        return open_parquet(path)
    if suffix in (".jsonl", ".ndjson", ".json"):
        return open_json(path)
    known = ", ".join(suffix.removeprefix(".") for suffix in ROW_SUFFIXES)
    remedy = _ELSEWHERE.get(suffix, f"name a file of {known}")
    raise InputError(path, "its ending is none of a file that is read", remedy=remedy)
