"""Lines of several models over one axis: quality by depth, difference by query length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rerankbench.report.plots.look import MUTED, Size, legend, name_panel, panels, style

MOST = 8
"""More lines than this in one panel cannot be distinguished."""
_HEIGHT = 210.0
_LEGEND = 21.0
_NUMBERS = 54.0
_DEPTHS = (0, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One model: a line through (x, y), and separate points."""

    name: str
    line: tuple[tuple[float, float], ...]
    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePanel:
    """One collection with its curves."""

    title: str
    curves: tuple[Curve, ...]


def depths(groups: Sequence[CurvePanel], size: Size) -> Figure:
    """Quality by rerank depth; depth 0 is the first stage's own order."""
    figure, axes = _curves(groups, size, "Rerank depth")
    deepest = max(x for panel in groups for curve in panel.curves for x, _ in curve.line)
    for ax in axes:
        # Equal steps from 0 to 10, then logarithmic.
        ax.set_xscale("symlog", linthresh=10, linscale=0.5)
        ticks = [depth for depth in _DEPTHS if depth <= deepest]
        ax.set_xticks(ticks, [str(depth) for depth in ticks])
        ax.set_xticks([], minor=True)
        ax.set_xlim(0, deepest * 1.05)
    return figure


def by_length(groups: Sequence[CurvePanel], size: Size) -> Figure:
    """Difference to the first stage by the number of words in the query."""
    figure, axes = _curves(groups, size, "Words in the query")
    for ax in axes:
        ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        ax.axhline(0, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    return figure


def _curves(groups: Sequence[CurvePanel], size: Size, x_label: str) -> tuple[Figure, list[Axes]]:
    """The panels with one common legend; a model has the same style in each."""
    names = list(dict.fromkeys(curve.name for panel in groups for curve in panel.curves))
    figure, axes = panels(
        size,
        len(groups),
        _HEIGHT,
        left=_NUMBERS,
        below=_LEGEND * -(-len(names) // size.columns) + 10,
    )
    for panel, ax in zip(groups, axes, strict=True):
        name_panel(ax, panel.title, size)
        ax.set_xlabel(x_label)
        ax.grid(axis="y")
        for curve in panel.curves:
            _curve(ax, curve, names.index(curve.name))
    legend(figure, size, names)
    return figure, axes


def _curve(ax: Axes, curve: Curve, number: int) -> None:
    look = style(number)
    marker = look.pop("marker")
    if curve.points:
        ax.plot(
            *zip(*curve.points, strict=True),
            linestyle="none",
            marker=marker,
            markersize=5.5,
            alpha=0.5,
            color=look["color"],
        )
    if curve.line:
        ends = None if curve.points else marker
        ax.plot(*zip(*curve.line, strict=True), marker=ends, markersize=5, markevery=[-1], **look)
