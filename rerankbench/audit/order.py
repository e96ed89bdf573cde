"""Rows that violate the order of their table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rerankbench.audit.findings import Finding, about
from rerankbench.audit.tables import PrintedRow, PrintedTable, with_numbers

PAIRS = 5
"""The fewest pairs of neighbours from which an order can be inferred."""
SORTED = 0.8
"""A table is taken to be sorted if at least this share of neighbours is in order."""


def out_of_order(table: PrintedTable) -> Iterator[Finding]:
    """Rows that violate an order which the table otherwise keeps, and wrong ranks.

    The order is by the first average, or else by the first quality, best first within each
    block. Tables sorted by another column, and tables of collections, are not checked.
    """
    yield from _ranks(table)
    deciding = (*table.of_kind("average"), *table.of_kind("quality"))[:1]
    for at in () if table.lists_collections else deciding:
        sign = -1 if table.is_lower_better(at) else 1
        pairs = [
            pair
            for block in table.blocks(table.one_of_many)
            for pair in pairwise(with_numbers(block, at))
        ]
        breaks = [
            pair for pair in pairs if sign * _value(pair[0], at) < sign * _value(pair[1], at)
        ]
        kept = len(pairs) - len(breaks)
        if len(pairs) < PAIRS or kept < SORTED * len(pairs) or _sorted_otherwise(table, at):
            continue
        for above, row in breaks:
            yield about(
                table,
                row,
                table.columns[at].name,
                check="order",
                severity="warning",
                printed=row.cells[at].text,
                message=f"{row.cells[at].text} stands below {above.cells[at].text} "
                f"({above.name}), though {kept} of {len(pairs)} neighbours are in order",
            )


def _value(row: PrintedRow, at: int) -> float:
    return row.cells[at].value


def _sorted_otherwise(table: PrintedTable, but: int) -> bool:
    """Whether another column, or the names, are completely in order, ascending or descending."""
    for at in range(len(table.columns)):
        if at == but:
            continue
        if table.columns[at].kind == "text":
            names = [row.cells[at].text.casefold() for row in table.one_of_many]
            if len(set(names)) > 1 and names == sorted(names):
                return True
        elif all(row.cells[at].number is not None for row in table.one_of_many):
            blocks = table.blocks(table.one_of_many)
            values = [[_value(row, at) for row in block] for block in blocks]
            if any(
                all(block == sorted(block, reverse=falling) for block in values)
                for falling in (True, False)
            ):
                return True
    return False


def _ranks(table: PrintedTable) -> Iterator[Finding]:
    """Ranks that disagree with a column that nearly all other ranks agree with."""
    for at in table.of_kind("rank"):
        ranked = with_numbers(table.one_of_many, at)
        if len(ranked) <= PAIRS:
            continue
        candidates = [
            (column, falling)
            for column in table.of_kind("average", "quality", "speed", "number", "other")
            if all(row.cells[column].number is not None for row in ranked)
            for falling in (True, False)
        ]
        wrong = {candidate: _misranked(ranked, at, *candidate) for candidate in candidates}
        if not wrong:
            continue
        column, falling = min(candidates, key=lambda candidate: len(wrong[candidate]))
        if len(wrong[column, falling]) > (1 - SORTED) * len(ranked):
            continue
        for row, place in wrong[column, falling]:
            yield about(
                table,
                row,
                table.columns[at].name,
                check="order",
                severity="warning",
                printed=row.cells[at].text,
                expected=str(place),
                message=f"rank {row.cells[at].text}, but {place} by {table.columns[column].name}, "
                f"by which {len(ranked) - len(wrong[column, falling])} of {len(ranked)} rows are "
                "ranked",
            )


def _misranked(
    rows: Sequence[PrintedRow], rank: int, column: int, falling: bool
) -> list[tuple[PrintedRow, int]]:
    """The rows whose rank disagrees with a column, with the first rank that would agree."""
    sign = -1 if falling else 1
    values = sorted(sign * _value(row, column) for row in rows)
    misranked = []
    for row in rows:
        value = sign * _value(row, column)
        first = values.index(value) + 1
        if not first <= _value(row, rank) < first + values.count(value):
            misranked.append((row, first))
    return misranked
