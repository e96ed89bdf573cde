"""Histories as tables for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rerankbench.gate.history.figure import HistoryFigure
from rerankbench.gate.history.series import ALPHA, CellHistory, Step
from rerankbench.leaderboard.table import Entry, Header, Row, Table, headers
from rerankbench.stats.ratios import DRIFT

_FACTS = 3
"""So many of what else changed stand in a row; JSON has all."""
_LONGEST = 20


def tables(histories: Sequence[CellHistory], figure: HistoryFigure) -> list[Table]:
    """A table a cell."""
    return [_table(each, figure) for each in histories]


def as_json(histories: Sequence[CellHistory], figure: HistoryFigure) -> str:
    """A list with one object a cell; null is what was not measured, or not tested."""
    cells = [
        {
            **asdict(each.name),
            "figure": figure.name,
            "overall": asdict(each.overall),
            "steps": [_step(step) for step in each.steps],
        }
        for each in histories
    ]
    return json.dumps(cells, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _step(step: Step) -> dict[str, object]:
    return {
        "commit": step.commit.sha,
        "committed_at": step.commit.committed_at,
        "subject": step.commit.subject,
        "value": step.value,
        "difference": step.difference.by,
        "p": step.p,
        "obstacle": step.difference.obstacle or None,
        "changed": step.changed,
        "facts": [{"fact": each.fact, "base": each.base, "new": each.new} for each in step.facts],
    }


def _table(history: CellHistory, figure: HistoryFigure) -> Table:
    tested = any(step.p is not None for step in history.steps)
    heads = ["Commit", "Date", figure.head, "Δ", *(["p"] if tested else [])]
    figures = {figure.head, "Δ", "p"}
    rows = [_row(at, step, figure, tested=tested) for at, step in enumerate(history.steps)]
    return Table(
        title=str(history.name),
        columns=(*headers(heads, figures=figures), Header(text=""), Header(text="With it")),
        rows=tuple(rows),
        notes=tuple(_notes(history, figure, tested=tested)),
    )


def _row(at: int, step: Step, figure: HistoryFigure, *, tested: bool) -> Row:
    numbers = [
        Entry(value=step.value, form="fixed", decimals=figure.decimals, strong=step.changed),
        Entry(value=step.difference.by, form="signed", decimals=figure.decimals),
        *([Entry(value=step.p, form="probability", decimals=3)] if tested else []),
    ]
    return Row(
        entries=(
            Entry(value=step.commit.short),
            Entry(value=step.commit.date),
            *numbers,
            Entry(value=_word(at, step)),
            Entry(value=_facts(step)),
        )
    )


def _word(at: int, step: Step) -> str:
    if step.record is None:
        return "removed"
    if step.value is None:
        return "not measured"
    if step.changed:
        return "changed"
    return step.difference.obstacle or ("first" if at == 0 else "")


def _facts(step: Step) -> str:
    shown = [f"{each.fact} {_cut(each.base)} → {_cut(each.new)}" for each in step.facts[:_FACTS]]
    more = len(step.facts) - _FACTS
    return "; ".join([*shown, *([f"{more} more"] if more > 0 else [])])


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…"


def _notes(history: CellHistory, figure: HistoryFigure, *, tested: bool) -> Iterator[str]:
    marked = [step for step in history.steps if step.changed]
    if marked:
        last = marked[-1].commit
        yield f"Last changed at {last.short} ({last.date}): {last.subject}"
    elif len(history.steps) > 1:
        yield "No step is beyond the noise."
    overall = history.overall
    if overall.by is not None and len(history.steps) > 2:
        tested_by = Entry(value=overall.p, form="probability", decimals=3).text
        p = f", p {tested_by}" if tested_by else ""
        by = Entry(value=overall.by, form="signed", decimals=figure.decimals).text
        yield f"From the first to the last: {by}{p}."
    if tested:
        count = sum(step.p is not None for step in history.steps)
        yield (
            "Δ and p: against the row above; paired randomisation test over the queries, Holm "
            f"over {count}; changed: p ≤ {ALPHA:g}."
        )
    elif any(step.difference.apart is not None for step in history.steps):
        yield (
            "Changed: further than the spread of both measurements and the "
            f"{DRIFT:g} times by which a machine drifts."
        )
