"""A gate's verdicts in words: one line each, the same in every format."""

from __future__ import annotations

from collections.abc import Iterator

from rerankbench.gate.drift import Drift
from rerankbench.gate.quality import ALPHA, QualityVerdict, QueryChange
from rerankbench.gate.speed import SpeedVerdict
from rerankbench.gate.verdict import Gate
from rerankbench.leaderboard.table import Entry, printable
from rerankbench.results.figures import DOCS_PER_S

BAD = ("failed", "refused")
COMMAND_HEAD = "What both ranked first where they differ most:"
_HASH_DIGITS = 12
_MEBIBYTE = 2**20
_MOST_QUERIES = 5
_LONGEST_TEXT = 100


def headline(gate: Gate) -> str:
    """One line: what the gate came to, over how much."""
    cells = len({verdict.name for verdict in gate.quality})
    outcomes = [each.outcome for each in gate.quality] + [each.outcome for each in gate.speed]
    unclear = outcomes.count("unclear")
    found = {
        "passed": "Gate passed: nothing became worse",
        "unclear": f"Gate passed; {unclear} of {len(outcomes)} results "
        f"{'is' if unclear == 1 else 'are'} unclear",
        "failed": "Gate failed",
    }[gate.conclusion]
    if not gate.compares_speed:
        if gate.conclusion == "passed":
            found = "Gate passed: quality did not become worse"
        found += f"; speed was not {'compared' if gate.limits.slowdown is None else 'measured'}"
    return f"{found}. {cells} {'cell' if cells == 1 else 'cells'} compared."


def quality_line(verdict: QualityVerdict) -> str:
    """The cell, the metric, both values, why, the difference with its bound and p."""
    line = f"{printable(str(verdict.name))}: {verdict.metric}"
    if verdict.base is not None and verdict.new is not None:
        line += f" {verdict.base:.4f} → {verdict.new:.4f}"
    line += f"; {verdict.why}"
    figures = list(_figures(verdict))
    if figures:
        line += f" ({', '.join(figures)})"
    if verdict.detectable is not None and verdict.outcome == "unclear":
        line += (
            f"; with {verdict.queries} queries, drops below {verdict.detectable:.4f} cannot be "
            "detected reliably"
        )
    return line


def _figures(verdict: QualityVerdict) -> Iterator[str]:
    if verdict.difference is None or verdict.holm_p is None:
        return
    yield f"difference {signed(verdict.difference).text}"
    if verdict.lower_bound is not None:
        yield f"95 % bound {signed(verdict.lower_bound).text}"
    yield f"margin {verdict.margin:g}"
    p = probability(verdict.holm_p).text
    yield f"p < {p[1:]}" if p.startswith("<") else f"p = {p}"


def signed(value: float | None) -> Entry:
    """A difference: new less base."""
    return Entry(value=value, form="signed", decimals=4)


def probability(value: float | None) -> Entry:
    """A p, which never prints as 0; as `compare` prints it."""
    return Entry(value=value, form="probability", decimals=3)


def worst_queries(verdict: QualityVerdict) -> list[str]:
    """The queries that lost most, a line each; none where the verdict needs no looking into."""
    if verdict.outcome not in ("failed", "unclear"):
        return []
    return [_query(each) for each in verdict.worst[:_MOST_QUERIES]]


def _query(query: QueryChange) -> str:
    line = (
        f"{printable(query.query_id)} ({query.base:.3f} → {query.new:.3f}, "
        f"{query.difference:+.3f})"
    )
    if query.text is None:
        return line
    text = printable(" ".join(query.text.split()))
    return f"{line}: {text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + '…'}"


def compare_command(gate: Gate) -> list[str]:
    """The arguments of a command that shows those queries with their rankings; empty if none."""
    metrics = (each.metric for each in gate.quality if worst_queries(each))
    metric = next(metrics, None)
    if gate.places is None or metric is None:
        return []
    return ["rerankbench", "compare", *map(str, gate.places), "--metric", metric]


def speed_line(verdict: SpeedVerdict) -> str:
    """The cell, what was measured, both values, the ratio with its interval, and why."""
    line = f"{printable(str(verdict.name))}: {verdict.kind}"
    if verdict.base is not None and verdict.new is not None:
        line += f" {amount(verdict, verdict.base)} → {amount(verdict, verdict.new)}"
    if verdict.times is not None:
        line += f", {times(verdict)} the {'time' if verdict.kind == 'docs/s' else 'memory'}"
    return f"{line}; {verdict.why} (limit {1 + verdict.limit:.2f}×)"


def amount(verdict: SpeedVerdict, value: float) -> str:
    is_rate = verdict.kind == DOCS_PER_S.unit
    return DOCS_PER_S.show(value) if is_rate else f"{value / _MEBIBYTE:,.0f} MiB"


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
    """What the figures mean, what decides and what else changed, below the verdicts."""
    tested = sum(verdict.p is not None for verdict in gate.quality)
    margins = ", ".join(f"{metric} {drop:g}" for metric, drop in gate.limits.drops.items())
    yield f"Largest drop allowed (margin): {margins}."
    if tested:
        yield from _explained(tested)
        yield from _detects_nothing(gate, tested)
    yield from _speed_not_measured(gate)
    for name in gate.missing:
        yield f"missing in the new results: {printable(str(name))}"
    for name in gate.added:
        yield f"only in the new results: {printable(str(name))}"
    if gate.drift:
        yield from (f"Changed: {drift_line(fact)}." for fact in gate.drift)
    elif gate.quality:
        yield "Nothing else changed: packages, models, collections and machine are the same."


def _explained(tested: int) -> Iterator[str]:
    yield (
        "Δ: new − base, negative is worse. 95 % bound: how low the true difference may be "
        "(one-sided). Detects: the smallest drop found in 95 of 100 cases with so many queries."
    )
    family = f", after Holm over the {tested} results that changed" if tested > 1 else ""
    yield (
        f"p: one-sided paired randomisation test of a drop{family}. rerankbench compare tests "
        "both directions: before Holm, its p of a drop is twice this one."
    )
    yield (
        "A result fails where the mean fell, the bound is beyond the margin, and "
        f"p ≤ {ALPHA:g} or something else points to a fault (more equal scores, other texts); "
        "without either it is unclear."
    )


def _speed_not_measured(gate: Gate) -> Iterator[str]:
    if gate.limits.slowdown is None:
        return
    if not gate.compares_speed:
        yield (
            "Speed was not measured in both base and new: run them without --no-speed, or leave "
            "speed out with --speed ignore."
        )
    elif gate.untimed:
        names = ", ".join(printable(str(name)) for name in gate.untimed)
        yield f"Speed was not measured in both base and new of {names}."


def _detects_nothing(gate: Gate, tested: int) -> Iterator[str]:
    blind = [verdict for verdict in gate.quality if verdict.needs and verdict.detectable is None]
    few = [verdict for verdict in blind if verdict.queries < (verdict.needs or 0)]
    if len(few) < len(blind):
        yield (
            "Detects nothing, though there are enough queries: they changed so differently that "
            "only a drop larger than the base's mean would be found."
        )
    if few:
        holm = f", times {tested} for Holm" if tested > 1 else ""
        yield (
            f"Detects nothing: with fewer than {few[0].needs} queries no drop of one cell alone "
            f"has p ≤ {ALPHA:g}, however large (all n queries worse: 1/2ⁿ{holm})."
        )
