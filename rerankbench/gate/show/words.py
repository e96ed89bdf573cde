"""A gate's verdicts in words: one line each, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.gate.drift import Drift
from rerankbench.gate.quality import ALPHA, QualityVerdict
from rerankbench.gate.speed import SpeedVerdict
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.table import printable

_HASH_DIGITS = 12
_MEBIBYTE = 2**20


def headline(gate: Gate) -> str:
    """The gate's conclusion in one line, with the number of cells."""
    cells = len({verdict.name for verdict in gate.quality})
    conclusion = {
        "passed": "Gate passed: nothing became worse.",
        "unclear": "Gate passed; some cells were inconclusive.",
        "failed": "Gate failed.",
    }[gate.conclusion]
    return f"{conclusion} {cells} {'cell' if cells == 1 else 'cells'} compared."


def quality_line(verdict: QualityVerdict) -> str:
    """The cell, the metric, both values, the drop with its bound, why, and the worst queries."""
    parts = [f"{printable(str(verdict.name))}: {verdict.metric}"]
    if verdict.base is not None and verdict.new is not None:
        parts[0] += f" {verdict.base:.4f} → {verdict.new:.4f}"
    parts.append(verdict.why)
    if verdict.bound is not None and verdict.drop is not None:
        parts.append(
            f"drop {verdict.drop:+.4f}, at most {verdict.bound:+.4f} (95 %), "
            f"margin {verdict.margin:g}"
        )
    if verdict.detectable is not None:
        parts.append(f"{verdict.queries} queries can show drops from {verdict.detectable:.4f}")
    if verdict.outcome in ("failed", "unclear") and verdict.worst:
        parts.append(f"worst queries: {worst_queries(verdict)}")
    return "; ".join(parts)


def worst_queries(verdict: QualityVerdict) -> str:
    """The queries that lost most, each with both values."""
    return ", ".join(
        f"{printable(query.query_id)} ({query.base:.3f} → {query.new:.3f})"
        for query in verdict.worst
    )


def speed_line(verdict: SpeedVerdict) -> str:
    """The cell, what was measured, both values, the ratio with its interval, and why."""
    line = f"{printable(str(verdict.name))}: {verdict.kind}"
    if verdict.base is not None and verdict.new is not None:
        line += f" {amount(verdict, verdict.base)} → {amount(verdict, verdict.new)}"
    if verdict.times is not None:
        line += f", {times(verdict)} the {'time' if verdict.kind == 'docs/s' else 'memory'}"
    return f"{line}; {verdict.why} (limit {1 + verdict.limit:.2f}×)"


def amount(verdict: SpeedVerdict, value: float) -> str:
    return f"{value:,.0f}" if verdict.kind == "docs/s" else f"{value / _MEBIBYTE:,.0f} MiB"


def times(verdict: SpeedVerdict) -> str:
    """`1.21× (1.18–1.24)`; empty if there is no ratio."""
    ratio = verdict.times
    if ratio is None:
        return ""
    span = (
        "" if ratio.low is None or ratio.high is None else f" ({ratio.low:.2f}–{ratio.high:.2f})"
    )
    return f"{ratio.median:.2f}×{span}"


def drift_line(drift: Drift) -> str:
    """What changed, from which value to which, in how many cells."""
    cells = f"{drift.cells} {'cell' if drift.cells == 1 else 'cells'}"
    return f"{printable(drift.fact)}: {_short(drift.base)} → {_short(drift.new)} ({cells})"


def _short(value: str) -> str:
    shown = printable(value)
    is_hash = len(shown) > 2 * _HASH_DIGITS and all(c in "0123456789abcdef" for c in shown)
    return shown[:_HASH_DIGITS] if is_hash else shown


def notes(gate: Gate) -> Iterator[str]:
    """Notes below the verdicts: how they are decided, and what else changed."""
    margins = ", ".join(f"{metric} {drop:g}" for metric, drop in gate.limits.drops.items())
    yield (
        f"Margins: {margins}. Detects: the smallest true drop that a test on this many queries "
        "finds in 95 of 100 cases."
    )
    yield from _detects_nothing(gate)
    yield (
        "A cell fails when its mean dropped, the one-sided 95 % bound of the drop exceeds the "
        "margin, and chance is ruled out (randomisation test, p ≤ 0.01 after Holm over the cells; "
        "or new ties, or different texts read). Where it may be chance, there are too few queries."
    )
    for name in gate.missing:
        yield f"missing in the new results: {printable(str(name))}"
    for name in gate.added:
        yield f"only in the new results: {printable(str(name))}"
    if gate.drift:
        yield from (f"Changed: {drift_line(fact)}." for fact in gate.drift)
    elif gate.quality:
        yield "Nothing else changed: packages, models, collections and machine are the same."


def _detects_nothing(gate: Gate) -> Iterator[str]:
    blind = [verdict for verdict in gate.quality if verdict.needs and verdict.detectable is None]
    few = [verdict for verdict in blind if verdict.queries < (verdict.needs or 0)]
    if len(few) < len(blind):
        yield (
            "Detects nothing, though there are enough queries: they changed so differently that "
            "only a drop larger than the base's mean would be found."
        )
    if few:
        yield (
            f"Detects nothing: with fewer than {few[0].needs} queries no drop of one cell alone "
            f"has p ≤ {ALPHA:g}, however large (all n queries worse: 1/2ⁿ{_of_tests(gate)})."
        )


def _of_tests(gate: Gate) -> str:
    tests = sum(verdict.p is not None for verdict in gate.quality)
    return f", times {tests} for Holm" if tests > 1 else ""
