"""Columns that make up most of one row's lead over another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from rerankbench.audit.findings import Finding, about
from rerankbench.audit.means import Basis, bases
from rerankbench.audit.tables import PrintedRow, PrintedTable, with_numbers
from rerankbench.audit.views import by_rows
from rerankbench.errors import some

COLUMNS = 5
"""The fewest columns of a mean for which the share of a single one means something."""
SHARE = 0.5
"""A column with a larger share of a lead dominates it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lead:
    """The lead of a block's best row over another, with and without one column.

    `column` contributes most to it, `share` is its share of the lead.
    """

    best: PrintedRow
    other: PrintedRow
    column: int
    share: float
    gain: float
    without: float


def carried(table: PrintedTable) -> Iterator[Finding]:
    """Columns that make up more than half of a best row's lead over another row of its block.

    Only if a mean is printed; leads are computed from the columns.
    """
    if table.lists_collections:
        return
    for basis in bases(by_rows(table)):
        if len(basis.terms) < COLUMNS or basis.weights or table.is_lower_better(basis.average):
            continue
        blocks = table.blocks(table.one_of_many)
        leads = [lead for block in blocks for lead in _leads(block, basis)]
        for at in basis.terms:
            dominated = [lead for lead in leads if lead.column == at and lead.share > SHARE]
            if dominated:
                yield _finding(table, basis, at, dominated, len(leads))


def _leads(block: Sequence[PrintedRow], basis: Basis) -> Iterator[_Lead]:
    every = (basis.average, *basis.terms)
    rows = with_numbers(block, *every)
    if len(rows) < 2:
        return
    best = max(rows, key=lambda row: fmean(row.cells[at].value for at in basis.terms))
    for other in rows:
        differences = [best.cells[at].value - other.cells[at].value for at in basis.terms]
        gain, most = fmean(differences), max(differences)
        # A lead below the last printed digit is invisible to readers.
        if gain > 2 * best.cells[basis.average].half_unit:
            yield _Lead(
                best=best,
                other=other,
                column=basis.terms[differences.index(most)],
                share=most / sum(differences),
                gain=gain,
                without=(sum(differences) - most) / (len(differences) - 1),
            )


def _finding(
    table: PrintedTable, basis: Basis, at: int, leads: Sequence[_Lead], pairs: int
) -> Finding:
    lost = [lead for lead in leads if lead.without <= 0]
    worst = max(leads, key=lambda lead: lead.share)
    digits = worst.best.cells[basis.average].decimals + 1
    flips = f"; without it {some([_pair(lead) for lead in lost])} has no lead" if lost else ""
    return about(
        table,
        None,
        table.columns[at].name,
        check="carried-mean",
        severity="warning" if lost else "note",
        message=f"gives more than half of the lead in {len(leads)} of {pairs} pairs, most in "
        f"{_pair(worst)}: {worst.gain:+.{digits}f} over {len(basis.terms)} columns, "
        f"{worst.without:+.{digits}f} without it ({worst.share:.0%} of the lead){flips}",
    )


def _pair(lead: _Lead) -> str:
    return f"{lead.best.full_name} over {lead.other.name}"
