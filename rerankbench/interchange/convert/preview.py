"""How files are read, as lines to look at before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from rich.cells import cell_len, set_cell_size

from rerankbench.console import printable
from rerankbench.interchange.convert import identity
from rerankbench.interchange.convert.columns import RowColumns
from rerankbench.interchange.convert.from_parts import OpenPart
from rerankbench.interchange.convert.judged_rows import Judgment, RowReader
from rerankbench.interchange.convert.tables import Table

_JUDGMENTS = 3
_WIDTH = 80


def of_rows(table: Table, columns: RowColumns, reader: RowReader) -> Iterator[str]:
    """What is in which column, and the first judgments as they will be."""
    yield from _columns(table, columns.named(), columns.used())
    yield "The first of them:"
    last = ""
    judged = (read for read in reader.read() if isinstance(read, Judgment))
    for read in islice(judged, _JUDGMENTS):
        query_id = identity.query_id(read.query)
        if query_id != last:
            yield _line(f"  {query_id}  ", read.query.text)
        last = query_id
        text = f"{read.document.title} {read.document.text}"
        yield _line(f"  {read.grade:>3}  {identity.doc_id(read.document)}  ", text)


def of_part(part: OpenPart) -> Iterator[str]:
    """What is in which column, and the first row."""
    yield f"The {part.part} in {part.table.path.name}:"
    yield from _columns(part.table, part.columns.named(), part.columns.used())
    for _, values in islice(part.rows(), 1):
        shown = [str(values.get(column, "")) for _, column in part.columns.named()]
        yield _line(f"  {'first':<12} ", " | ".join(shown))


def _columns(
    table: Table, named: Iterator[tuple[str, str]], used: Collection[str]
) -> Iterator[str]:
    for what, column in named:
        yield _line(f"  {what:<12} ", column)
    rest = [name for name in table.columns if name not in used]
    if rest:
        yield _line(f"  {'not read':<12} ", ", ".join(rest))


def _line(start: str, text: str) -> str:
    """One line of the screen, whatever the text holds; some letters take two columns."""
    line = start + printable(" ".join(text.split()))
    return line if cell_len(line) <= _WIDTH else f"{set_cell_size(line, _WIDTH - 1)}…"
