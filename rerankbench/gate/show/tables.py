"""A gate as tables: one of quality for each metric, one of speed and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rerankbench.gate.quality import QualityVerdict
from rerankbench.gate.show import words
from rerankbench.gate.speed import SpeedVerdict
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.table import Entry, Header, Table, headers, table_of

_MARKS = {"same": "same", "passed": "passed", "failed": "FAILED", "unclear": "unclear"}


def tables(gate: Gate) -> list[Table]:
    """The tables; only the last one carries the notes."""
    all_tables = [*_quality(gate), *_speed(gate)]
    notes = tuple(words.notes(gate))
    all_tables[-1] = replace(all_tables[-1], notes=notes)
    return all_tables


def _quality(gate: Gate) -> Iterator[Table]:
    """One table a metric: the metric in its title leaves room for the figures."""
    heads = ("Cell", "Base", "New", "Δ", "95 % bound", "p", "Detects")
    for metric in dict.fromkeys(verdict.metric for verdict in gate.quality):
        rows = (_quality_entries(each) for each in gate.quality if each.metric == metric)
        yield table_of(_columns(heads, texts=1), rows, title=f"Quality: {metric}")


def _quality_entries(verdict: QualityVerdict) -> tuple[Entry, ...]:
    means = (Entry(value=value, form="fixed", decimals=4) for value in (verdict.base, verdict.new))
    return (
        Entry(value=str(verdict.name)),
        *means,
        words.signed(verdict.difference),
        words.signed(verdict.lower_bound),
        words.probability(verdict.holm_p),
        _detects(verdict),
        Entry(value=_mark(verdict.outcome)),
    )


def _detects(verdict: QualityVerdict) -> Entry:
    """The detectable drop, or "nothing" with too few queries. Blank without a test."""
    if verdict.needs is not None and verdict.detectable is None:
        return Entry(value="nothing")
    return Entry(value=verdict.detectable, form="fixed", decimals=4)


def _speed(gate: Gate) -> Iterator[Table]:
    """The limits stand in the title, which leaves room for the figures."""
    if gate.speed:
        limits = {"time": gate.limits.slowdown, "memory": gate.limits.growth}
        most = " and ".join(
            f"{1 + limit:.2f}× the {what}" for what, limit in limits.items() if limit is not None
        )
        heads = ("Cell", "Measure", "Base", "New", "Ratio (95 %)")
        title = f"Speed and memory: at most {most}"
        yield table_of(_columns(heads, texts=2), map(_speed_entries, gate.speed), title=title)


def _speed_entries(verdict: SpeedVerdict) -> tuple[Entry, ...]:
    amounts = (
        Entry() if value is None else Entry(value=words.amount(verdict, value))
        for value in (verdict.base, verdict.new)
    )
    return (
        Entry(value=str(verdict.name)),
        Entry(value=verdict.kind),
        *amounts,
        Entry(value=words.times(verdict) or None),
        Entry(value=_mark(verdict.outcome)),
    )


def _columns(heads: tuple[str, ...], *, texts: int) -> tuple[Header, ...]:
    return (*headers(heads, texts=texts), Header(text="Verdict", align="left"))


def _mark(outcome: str) -> str:
    return _MARKS.get(outcome, outcome.upper())
