"""Zeros in place of missing values."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.findings import Finding, about
from rerankbench.audit.tables import PrintedTable, with_numbers
from rerankbench.errors import some

_FEW = 3


def is_zero(cell: PrintedCell) -> bool:
    """A zero printed with decimals: 0.000, 0.0 %; a bare 0 is a count."""
    return cell.number == 0 and cell.decimals > 0


def zeros(table: PrintedTable) -> Iterator[Finding]:
    """Rows with exact zeros as qualities; a mean over queries is hardly ever exactly 0.

    A column with zeros in most of at least three rows is not a quality, whatever its heading.
    """
    columns = []
    for at in table.of_kind("quality", "average"):
        filled = [row.cells[at] for row in with_numbers(table.rows, at)]
        if table.is_lower_better(at):
            continue  # An error rate can really be 0.
        if len(filled) < _FEW or 2 * sum(map(is_zero, filled)) <= len(filled):
            columns.append(at)
    for row in table.rows:
        zeroed = [at for at in columns if is_zero(row.cells[at])]
        if zeroed:
            names = [table.columns[at].name for at in zeroed]
            yield about(
                table,
                row,
                ", ".join(names),
                check="zero",
                severity="warning",
                printed=row.cells[zeroed[0]].text,
                message=f"{row.cells[zeroed[0]].text} in {some(names)}: missing, not measured as "
                "nothing? A blank would say so",
            )
