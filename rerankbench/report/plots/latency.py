"""Request times: a stroke a request, with quartiles, median and P95 on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rerankbench.report.plots.look import (
    ACCENT,
    INK,
    MUTED,
    Size,
    log_axis,
    name_panel,
    panels,
    room_for,
    rows_of,
)
from rerankbench.stats.order import percentile

MOST_STROKES = 2000
_ROW = 30.0
_BETWEEN = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyPanel:
    """One collection: name of the model → the times of its requests in milliseconds."""

    title: str
    requests_ms: Mapping[str, Sequence[float]]


def thinned(values: Sequence[float], count: int) -> list[float]:
    """At most `count` of the values, evenly by rank, including the least and the greatest."""
    ordered = sorted(values)
    if len(ordered) <= count:
        return ordered
    last = len(ordered) - 1
    return [ordered[round(at * last / (count - 1))] for at in range(count)]


def strokes_each(groups: Sequence[LatencyPanel]) -> int:
    """How many requests of each row are drawn, so that all rows together stay drawable."""
    rows = sum(len(panel.requests_ms) for panel in groups)
    return max(20, MOST_STROKES // max(1, rows))


def draw(groups: Sequence[LatencyPanel], names: Sequence[str], size: Size) -> Figure:
    """The panels on one logarithmic scale, their rows in the order of `names`."""
    figure, axes = panels(
        size, len(groups), _ROW * len(names), left=room_for(names, size), rest=_BETWEEN
    )
    values_ms = [value for panel in groups for row in panel.requests_ms.values() for value in row]
    most = strokes_each(groups)
    for at, (panel, ax) in enumerate(zip(groups, axes, strict=True)):
        rows_of(ax, names, size, named=at % size.columns == 0)
        name_panel(ax, panel.title, size)
        ax.set_xlabel("Milliseconds a request")
        ax.grid(axis="x")
        log_axis(ax, values_ms, size)
        for row, name in enumerate(names):
            if name in panel.requests_ms:
                _row(ax, row, panel.requests_ms[name], most)
    return figure


def _row(ax: Axes, row: int, values: Sequence[float], most: int) -> None:
    # One path for all strokes: one shape for each would make the page large.
    x = [edge for value in thinned(values, most) for edge in (value, value, nan)]
    y = [row + shift for _ in range(len(x) // 3) for shift in (-0.2, 0.2, nan)]
    ax.plot(x, y, color=MUTED, linewidth=0.6, alpha=0.55)
    p25, p50, p75, p95 = (percentile(values, p) for p in (25, 50, 75, 95))
    ax.hlines([row], [p25], [p75], color=ACCENT, linewidth=6, alpha=0.5)
    ax.plot([p50], [row], marker="o", markersize=7, color=ACCENT)
    ax.plot([p95], [row], marker="|", markersize=15, markeredgewidth=2, color=INK)
