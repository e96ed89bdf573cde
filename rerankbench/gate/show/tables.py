"""A gate as tables: one of quality, one of speed and memory, one of what else changed."""

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
    heads = ("Cell", "Metric", "Base", "New", "Drop", "≤ (95 %)", "Detects")
    yield table_of(_columns(heads), map(_quality_entries, gate.quality), title="Quality")


def _quality_entries(verdict: QualityVerdict) -> tuple[Entry, ...]:
    digits = (
        Entry(value=value, form="fixed", decimals=4)
        for value in (verdict.base, verdict.new, verdict.drop, verdict.bound)
    )
    return (
        Entry(value=str(verdict.name)),
        Entry(value=verdict.metric),
        *digits,
        _detects(verdict),
        Entry(value=_mark(verdict.outcome)),
    )


def _detects(verdict: QualityVerdict) -> Entry:
    """The detectable drop, or "nothing" with too few queries. Blank without a test."""
    if verdict.needs is not None and verdict.detectable is None:
        return Entry(value="nothing")
    return Entry(value=verdict.detectable, form="fixed", decimals=4)


def _speed(gate: Gate) -> Iterator[Table]:
    if gate.speed:
        heads = ("Cell", "Measure", "Base", "New", "Ratio (95 %)", "Limit")
        yield table_of(_columns(heads), map(_speed_entries, gate.speed), title="Speed and memory")


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
        Entry(value=f"{1 + verdict.limit:.2f}×"),
        Entry(value=_mark(verdict.outcome)),
    )


def _columns(heads: tuple[str, ...]) -> tuple[Header, ...]:
    return (*headers(heads, texts=2), Header(text="Verdict", align="left"))


def _mark(outcome: str) -> str:
    return _MARKS.get(outcome, outcome.upper())
