"""What stands out in a table: the best figures of blocks and tables, and people's own models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal, TypeAlias

from rerankbench.leaderboard.table import Header, Row
from rerankbench.results.figures import Better

Scope: TypeAlias = Literal["block", "table"]


def stand_out(
    rows: Sequence[Row],
    heads: Sequence[Header],
    scopes: Sequence[Scope | None],
    *,
    own: Sequence[bool],
) -> tuple[Row, ...]:
    """The same rows with strong entries; `scopes` says for each column where its best is."""
    strong = {
        (at, column)
        for column, (head, scope) in enumerate(zip(heads, scopes, strict=True))
        if scope is not None and head.better is not None
        for block in _blocks(rows, scope)
        for at in best(rows, block, column, head.better)
    }
    return tuple(
        replace(
            row,
            entries=tuple(
                replace(entry, strong=True)
                if (at, column) in strong or (is_own and not heads[column].spans)
                else entry
                for column, entry in enumerate(row.entries)
            ),
        )
        for at, (row, is_own) in enumerate(zip(rows, own, strict=True))
    )


def best(rows: Sequence[Row], among: Iterable[int], column: int, better: Better) -> list[int]:
    """Which of these rows have the column's best figure: all that print the same value.

    Rows that are no model take no part, and a single figure is not the best of anything.
    """
    values = {
        at: value
        for at in among
        if not rows[at].emphasised and (value := rows[at].entries[column].rounded) is not None
    }
    if len(values) < 2:
        return []
    top = max(values.values()) if better == "higher" else min(values.values())
    return [at for at, value in values.items() if value == top]


def _blocks(rows: Sequence[Row], scope: Scope) -> list[list[int]]:
    if scope == "table":
        return [list(range(len(rows)))]
    parts = groupby(range(len(rows)), key=lambda at: (rows[at].group, rows[at].block))
    return [list(part) for _, part in parts]
