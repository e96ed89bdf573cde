"""A gate as tables: one of quality, one of speed and memory, one of what else changed."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.gate.quality import QualityVerdict
from rerankbench.gate.show import words
from rerankbench.gate.speed import SpeedVerdict
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.table import Entry, Header, Row, Table

_MARKS = {"same": "same", "passed": "passed", "failed": "FAILED", "unclear": "unclear"}


def tables(gate: Gate) -> list[Table]:
    """The tables that have rows; the last one carries the notes."""
    found = [*_quality(gate), *_speed(gate)]
    notes = tuple(words.notes(gate))
    last = found[-1]
    found[-1] = Table(title=last.title, columns=last.columns, rows=last.rows, notes=notes)
    return found


def _quality(gate: Gate) -> Iterator[Table]:
    heads = ("Cell", "Metric", "Base", "New", "Drop", "≤ (95 %)", "Detects", "Verdict")
    yield Table(
        title="Quality",
        columns=_headers(heads, texts=2),
        rows=tuple(map(_quality_row, gate.quality)),
    )


def _quality_row(verdict: QualityVerdict) -> Row:
    digits = (
        Entry(value=value, form="fixed", decimals=4)
        for value in (verdict.base, verdict.new, verdict.drop, verdict.bound)
    )
    return Row(
        entries=(
            Entry(value=str(verdict.name)),
            Entry(value=verdict.metric),
            *digits,
            _detects(verdict),
            Entry(value=_mark(verdict.outcome)),
        )
    )


def _detects(verdict: QualityVerdict) -> Entry:
    """A drop; in words where so few queries show none. Blank where nothing was tested."""
    if verdict.needs is not None and verdict.detectable is None:
        return Entry(value="nothing")
    return Entry(value=verdict.detectable, form="fixed", decimals=4)


def _speed(gate: Gate) -> Iterator[Table]:
    if gate.speed:
        heads = ("Cell", "Measure", "Base", "New", "Ratio (95 %)", "Limit", "Verdict")
        yield Table(
            title="Speed and memory",
            columns=_headers(heads, texts=2),
            rows=tuple(map(_speed_row, gate.speed)),
        )


def _speed_row(verdict: SpeedVerdict) -> Row:
    amounts = (
        Entry() if value is None else Entry(value=words.amount(verdict, value))
        for value in (verdict.base, verdict.new)
    )
    return Row(
        entries=(
            Entry(value=str(verdict.name)),
            Entry(value=verdict.kind),
            *amounts,
            Entry(value=words.times(verdict) or None),
            Entry(value=f"{1 + verdict.limit:.2f}×"),
            Entry(value=_mark(verdict.outcome)),
        )
    )


def _headers(heads: tuple[str, ...], *, texts: int) -> tuple[Header, ...]:
    return tuple(
        Header(text=head, align="left" if at < texts or at == len(heads) - 1 else "right")
        for at, head in enumerate(heads)
    )


def _mark(outcome: str) -> str:
    return _MARKS.get(outcome, outcome.upper())
