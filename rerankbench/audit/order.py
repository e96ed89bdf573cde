"""Rows that break the order of their table, and bold figures that are not the best."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from rerankbench.audit.findings import Finding, about
from rerankbench.audit.tables import Row, Table

PAIRS = 5
"""The fewest neighbours from which an order can be read."""
SORTED = 0.8
"""The share of neighbours in order from which on a table is meant to be sorted."""


def out_of_order(table: Table) -> Iterator[Finding]:
    """Rows that break an order which the table otherwise keeps, and ranks that are not theirs.

    The order is that of the first average, or else of the first quality, best first within each
    block. A table in the order of another column is sorted by that.
    """
    yield from _ranks(table)
    deciding = (*table.of_kind("average"), *table.of_kind("quality"))[:1]
    for at in deciding:
        pairs = [
            pair
            for block in table.blocks()
            for pair in pairwise([row for row in block if row.cells[at].number is not None])
        ]
        breaks = [pair for pair in pairs if _value(pair[0], at) < _value(pair[1], at)]
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


def _value(row: Row, at: int) -> float:
    return row.cells[at].number or 0.0


def _sorted_otherwise(table: Table, but: int) -> bool:
    """Whether another column is in order throughout, rising or falling, or names are."""
    for at in range(len(table.columns)):
        if at == but:
            continue
        if table.columns[at].kind == "text":
            names = [row.cells[at].text.casefold() for row in table.rows]
            if len(set(names)) > 1 and names == sorted(names):
                return True
        elif all(row.cells[at].number is not None for row in table.rows):
            values = [[_value(row, at) for row in block] for block in table.blocks()]
            if any(
                all(block == sorted(block, reverse=falling) for block in values)
                for falling in (True, False)
            ):
                return True
    return False


def _ranks(table: Table) -> Iterator[Finding]:
    """Ranks that a column does not bear out which bears out nearly all the others."""
    for at in table.of_kind("rank"):
        ranked = [row for row in table.rows if row.cells[at].number is not None]
        if len(ranked) <= PAIRS:
            continue
        candidates = [
            (column, falling)
            for column in table.of_kind("average", "quality", "speed", "other")
            if all(row.cells[column].number is not None for row in ranked)
            for falling in (True, False)
        ]
        wrong = {each: _misranked(ranked, at, *each) for each in candidates}
        if not wrong:
            continue
        column, falling = min(candidates, key=lambda each: len(wrong[each]))
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
    rows: Sequence[Row], rank: int, column: int, falling: bool
) -> list[tuple[Row, int]]:
    """The rows whose rank is not theirs by a column, with the first place that is."""
    sign = -1 if falling else 1
    values = sorted(sign * _value(row, column) for row in rows)
    found = []
    for row in rows:
        mine = sign * _value(row, column)
        first = values.index(mine) + 1
        if not first <= _value(row, rank) < first + values.count(mine):
            found.append((row, first))
    return found


def not_the_best(table: Table) -> Iterator[Finding]:
    """Bold figures that another row of their block, or of their table, is better than.

    Bold marks the best only where it marks one figure of a column in every block, or one in all;
    a row that is bold throughout is marked itself.
    """
    for at in table.of_kind("quality", "average"):
        for group in _compared(table, at):
            best = max(_value(row, at) for row in group)
            for row in group:
                if row.cells[at].bold and _value(row, at) < best:
                    first = next(each for each in group if _value(each, at) == best)
                    yield about(
                        table,
                        row,
                        table.columns[at].name,
                        check="bold",
                        severity="warning",
                        printed=row.cells[at].text,
                        expected=first.cells[at].text,
                        message=f"{row.cells[at].text} is bold, {first.cells[at].text} "
                        f"({first.name}) is better",
                    )


def _compared(table: Table, at: int) -> Sequence[Sequence[Row]]:
    """The groups of rows in each of which one figure is bold; none where bold means another."""
    filled = [
        [row for row in block if row.cells[at].number is not None] for block in table.blocks()
    ]
    groups = [block for block in filled if block]
    for candidate in (groups, [[row for block in groups for row in block]]):
        marked = [[row for row in group if row.cells[at].bold] for group in candidate]
        if all(len(rows) == 1 for rows in marked) and not any(
            _is_marked(row) for rows in marked for row in rows
        ):
            return [group for group in candidate if len(group) > 1]
    return []


def _is_marked(row: Row) -> bool:
    """Whether the whole row is bold."""
    return all(cell.bold for cell in row.cells if cell.text)
