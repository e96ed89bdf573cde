"""Quality against cost: a point a model, and a line through the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from rerankbench.report.plots.labels import LEADER_FROM, Box, along, place
from rerankbench.report.plots.look import (
    ACCENT,
    INK,
    MUTED,
    Size,
    log_axis,
    name_values,
    panels,
    short,
)
from rerankbench.stats.pareto import front

_LEADER = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.8, "shrinkB": 6}
_HEIGHT = {"wide": 390.0, "narrow": 300.0}
_NUMBERS = 50.0
_FAINT = 0.55


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOffPoint:
    """One model: `cost` is positive, whatever it counts; `low` and `high` bound its quality."""

    name: str
    cost: float
    quality: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A horizontal line: the first stage, which has no cost here."""

    name: str
    quality: float


def best(
    points: Sequence[TradeOffPoint], *, more_is_better: bool, reference: Reference | None = None
) -> list[int]:
    """The positions of the points on the Pareto front, by cost rising.

    What is no better than the first stage, which costs nothing, is beaten by it.
    """
    sign = 1 if more_is_better else -1
    above = [
        at
        for at, point in enumerate(points)
        if reference is None or point.quality > reference.quality
    ]
    found = front([(sign * points[at].cost, points[at].quality) for at in above])
    by_cost = found if more_is_better else found[::-1]
    return [above[at] for at in by_cost]


def draw(
    points: Sequence[TradeOffPoint],
    size: Size,
    *,
    cost_label: str,
    quality_label: str,
    more_is_better: bool,
    reference: Reference | None = None,
) -> Figure:
    """The points on a logarithmic axis, with labels; the group of point n is called `point-n`."""
    figure, [axes] = panels(size, 1, _HEIGHT[size.name], left=_NUMBERS)
    axes.grid(axis="y")
    name_values(axes, cost_label, quality_label)
    log_axis(axes, [point.cost for point in points], size, room=1.6)
    low, high = axes.get_xlim()
    axes.margins(y=0.12)
    worth = best(points, more_is_better=more_is_better, reference=reference)
    edge = [(points[at].cost, points[at].quality) for at in worth]
    stairs = _stairs(edge, more_is_better=more_is_better)
    if stairs:
        axes.plot(*zip(*stairs, strict=True), color=ACCENT, linewidth=1.2)
    for at, point in enumerate(points):
        chosen = at in worth
        axes.vlines(
            point.cost,
            point.low,
            point.high,
            color=ACCENT if chosen else MUTED,
            linewidth=1,
            alpha=_FAINT,
        )
        [dot] = axes.plot(
            [point.cost],
            [point.quality],
            marker="o" if chosen else "s",
            markersize=9 if chosen else 7,
            color=ACCENT if chosen else MUTED,
            markerfacecolor=ACCENT if chosen else "none",
            markeredgewidth=1.4,
            clip_on=False,
        )
        dot.set_gid(f"point-{at}")
    if reference is not None:
        axes.axhline(reference.quality, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            short(reference.name),
            (0, reference.quality),
            xycoords=("axes fraction", "data"),
            xytext=(4, 4),
            textcoords="offset points",
            color=MUTED,
        )
    level = [] if reference is None else [(low, reference.quality), (high, reference.quality)]
    bars = [[(point.cost, point.low), (point.cost, point.high)] for point in points]
    _label(figure, axes, points, worth, [stairs, level, *bars])
    return figure


def _stairs(
    edge: Sequence[tuple[float, float]], *, more_is_better: bool
) -> list[tuple[float, float]]:
    """The line of what is attainable: between two models, the quality of the cheaper one."""
    corners = list(edge[:1])
    for (x, y), (to_x, to_y) in pairwise(edge):
        corners += [(x, to_y) if more_is_better else (to_x, y), (to_x, to_y)]
    return corners


def _label(
    figure: Figure,
    axes: Axes,
    points: Sequence[TradeOffPoint],
    worth: Sequence[int],
    lines: Sequence[Sequence[tuple[float, float]]],
) -> None:
    """Label the points, those on the front first; a point without room gets no label."""
    FigureCanvasAgg(figure)
    # Fixes the axis limits, on which all positions depend.
    axes.autoscale_view()

    def pixel(x: float, y: float) -> tuple[float, float]:
        across, up = axes.transData.transform((x, y))
        return float(across), float(up)

    def box(artist: Text | Axes) -> Box:
        extent = artist.get_window_extent()
        return Box(left=extent.x0, bottom=extent.y0, right=extent.x1, top=extent.y1)

    covered = [box(text) for text in axes.texts]
    order = [*worth, *(at for at in range(len(points)) if at not in worth)]
    names = [short(points[at].name) for at in order]
    anchors = [pixel(points[at].cost, points[at].quality) for at in order]
    sizes = []
    for name in names:
        measured = axes.text(0, 0, name)
        extent = box(measured)
        sizes.append((extent.right - extent.left, extent.top - extent.bottom))
        measured.remove()
    frame = box(axes)
    positions = place(
        anchors,
        sizes,
        replace(frame, right=float(figure.bbox.x1), top=float(figure.bbox.y1)),
        covered=covered,
        lines=[point for line in lines for point in along([pixel(*corner) for corner in line])],
    )
    for name, at, (x, y), placed in zip(names, order, anchors, positions, strict=True):
        if placed is not None:
            far = placed.distance > LEADER_FROM
            axes.annotate(
                name,
                (points[at].cost, points[at].quality),
                xytext=(placed.box.centre[0] - x, placed.box.centre[1] - y),
                textcoords="offset points",
                ha="center",
                va="center",
                color=INK if at in worth else MUTED,
                arrowprops=dict(_LEADER) if far else None,
            ).set_in_layout(False)
