"""CSV and TSV as tables, a line's number with every row."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias

from rerankbench.errors import InputError
from rerankbench.files.part_files import suffix_of
from rerankbench.files.whole import read_lines
from rerankbench.interchange.convert.tables import Row, Table, unique_columns

Heading: TypeAlias = Callable[[Sequence[str]], Sequence[str] | None]
"""Names for the columns where the first line is no heading; None where it is one."""

LONGEST_FIELD = 16 * 2**20
"""Characters; a quotation mark that nothing closes must not read the whole file into one text."""
_DELIMITERS = ",;\t|"
_Line: TypeAlias = tuple[int, list[str]]


def heading_is_first(first: Sequence[str]) -> None:
    """The first line names the columns."""


def numbered(first: Sequence[str]) -> Sequence[str]:
    """No line is a heading: columns are called 1, 2, 3."""
    return [str(at) for at in range(1, len(first) + 1)]


def open_delimited(path: Path, heading: Heading, *, quotes: bool) -> Table:
    """A file of CSV or TSV; without `quotes` a line is a row and quotation marks are text.

    Raises InputError, also while rows are read: for lines of another number of fields, and for
    quotation marks that are nowhere closed.
    """
    delimiter = _delimiter(path, quotes=quotes)
    lines = partial(_quoted if quotes else _plain, path, delimiter)
    first = next(lines(), None)
    if first is None:
        raise InputError(path, "is empty", remedy="see that it is the file that you mean")
    named = heading(first[1])
    columns = unique_columns(path, first[1]) if named is None else tuple(named)
    skipped = 1 if named is None else 0
    return Table(
        path=path,
        columns=columns,
        unit="line",
        read=lambda wanted: _rows(path, columns, lines(), skipped),
    )


def _rows(
    path: Path, columns: Sequence[str], lines: Iterator[_Line], skipped: int
) -> Iterator[Row]:
    for at, (number, fields) in enumerate(lines):
        if at < skipped:
            continue
        if len(fields) != len(columns):
            problem = f"{_count(len(fields))} instead of {len(columns)}"
            remedy = "put texts that hold a delimiter into quotes, or see --no-quotes"
            raise InputError(path, problem, line=number, remedy=remedy)
        yield number, dict(zip(columns, fields, strict=True))


def _count(fields: int) -> str:
    return "1 field" if fields == 1 else f"{fields} fields"


def _delimiter(path: Path, *, quotes: bool) -> str:
    """A tab in TSV; in CSV what stands most often in the first line, which spreadsheets choose."""
    first = next(iter(read_lines(path)), (0, ""))[1]
    if suffix_of(path) != ".csv":
        # TREC's judgments have blanks or tabs, whatever their ending.
        return "\t" if "\t" in first or quotes else ""
    bare = re.sub(r'"[^"]*"', "", first)
    return max(_DELIMITERS, key=bare.count)


def _plain(path: Path, delimiter: str) -> Iterator[_Line]:
    for number, line in read_lines(path):
        yield number, line.split(delimiter or None)


def _quoted(path: Path, delimiter: str) -> Iterator[_Line]:
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(
        (f"{line}\n" for _, line in read_lines(path, blank=True)), delimiter=delimiter, strict=True
    )
    last = 0
    try:
        for fields in reader:
            number, last = last + 1, reader.line_num
            if fields and not (len(fields) == 1 and not fields[0].strip()):
                yield number, fields
    except csv.Error as error:
        if str(error).startswith("new-line"):
            remedy = "save the file with line ends of Unix or Windows"
            raise InputError(path, "has line ends of old Macs", remedy=remedy) from None
        problem = f"the quotation marks of this row do not fit ({error})"
        remedy = "double those within a text, or add --no-quotes: marks are text"
        raise InputError(path, problem, line=last + 1, remedy=remedy) from None
