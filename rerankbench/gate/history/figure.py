"""Which figure a history is of, and whether two of its values differ by more than noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rerankbench.errors import UsageError
from rerankbench.results import derived, figures
from rerankbench.results.figures import Figure
from rerankbench.stats import order, paired, ratios
from rerankbench.types import Record

_SPEEDS = ("docs_per_s", *(f"latency_p{p}_ms" for p in (50, 90, 95, 99)), "usd_per_1000_queries")
_ALIASES = {
    "docs/s": "docs_per_s",
    "latency": "latency_p50_ms",
    **{f"p{p}": f"latency_p{p}_ms" for p in (50, 90, 95, 99)},
    "usd": "usd_per_1000_queries",
}
_WIDE = {"docs_per_s": "Docs/s", "usd_per_1000_queries": "$/1k"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A value against the one before: new − base.

    `p` is that of the paired randomisation test over the queries, None where none was made: of
    equal values there is nothing to test. `apart` says whether intervals of both are; None where
    there are none. `obstacle` says why the two do not compare at all, and then there is no `by`.
    """

    by: float | None = None
    p: float | None = None
    apart: bool | None = None
    obstacle: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFigure:
    """A figure by its name, its head in tables, its digits, and how two records differ in it.

    `difference` takes how many permutations a test draws: among n tests p has to be far below 1/n.
    """

    name: str
    head: str
    decimals: int
    get: Callable[[Record], float | None]
    difference: Callable[[Record, Record, int], Difference]


def choose(asked: str | None, records: Sequence[Record]) -> HistoryFigure:
    """The figure that was asked for; without a name the headline metric.

    Raises UsageError where no record holds it.
    """
    name = _ALIASES.get((asked or "").casefold(), asked)
    if name not in _SPEEDS:
        try:
            return _quality(derived.choose_metric(records, name))
        except UsageError as error:
            if asked is None:
                raise
            speeds = ", ".join(("docs/s", "p50", "p90", "p95", "p99", "usd"))
            raise UsageError(f"{error}; besides metrics: {speeds}") from None
    figure = next(each for each in figures.FIGURES if each.name == name)
    if not any(figure.get(record) is not None for record in records):
        raise UsageError(f"no record holds {asked}; run without --no-speed to measure it")
    return _speed(figure)


def _quality(metric: str) -> HistoryFigure:
    def difference(base: Record, new: Record, permutations: int) -> Difference:
        before, after = (derived.values_of(each, metric) for each in (base, new))
        if base.task != new.task:
            return Difference(obstacle="another task")
        if before.keys() != after.keys() or not before:
            return Difference(obstacle="other queries")
        each = [after[query_id] - before[query_id] for query_id in sorted(before)]
        if not any(each):
            return Difference(by=0.0, apart=False)
        by = (derived.mean_of(new, metric) or 0.0) - (derived.mean_of(base, metric) or 0.0)
        return Difference(by=by, p=paired.randomisation_p(each, permutations=permutations))

    return HistoryFigure(
        name=metric,
        head=metric,
        decimals=4,
        get=lambda record: derived.mean_of(record, metric),
        difference=difference,
    )


def _speed(figure: Figure) -> HistoryFigure:
    def difference(base: Record, new: Record, _: int) -> Difference:
        if derived.setting(base) != derived.setting(new):
            return Difference(obstacle="another machine")
        before, after = figure.number(base), figure.number(new)
        if before is None or after is None:
            return Difference(obstacle="not measured")
        return Difference(by=after - before, apart=_apart(figure.name, base, new))

    percentile = figure.name.removeprefix("latency_").removesuffix("_ms")
    head = _WIDE.get(figure.name, f"{percentile.upper()} ms")
    decimals = {"docs_per_s": 0, "usd_per_1000_queries": 4}.get(figure.name, 1)
    return HistoryFigure(
        name=figure.name, head=head, decimals=decimals, get=figure.number, difference=difference
    )


def _apart(name: str, base: Record, new: Record) -> bool | None:
    """Whether times differ by more than their spread, and what a machine does between two runs."""
    if name == "usd_per_1000_queries":
        return None
    before, after = (_times(name, each) for each in (base, new))
    if name == "docs_per_s":
        ratio = ratios.apart(before, after)
        bounds = (ratio.low or 0.0, ratio.high or 0.0)
    else:
        p = float(name.removeprefix("latency_p").removesuffix("_ms"))
        old, recent = (order.percentile_interval(each, p) for each in (before, after))
        if old is None or recent is None:
            return None
        bounds = (recent[0] / old[1] / ratios.DRIFT, recent[1] / old[0] * ratios.DRIFT)
    return not bounds[0] <= 1.0 <= bounds[1]


def _times(name: str, record: Record) -> list[float]:
    """Seconds of a pair in every pass, or of every request."""
    measured = record.measurements
    if name == "docs_per_s":
        done = measured.throughput
        return [] if done is None else [s / done.pairs for s in done.passes_s]
    return [] if measured.latency is None else list(measured.latency.requests_s)
