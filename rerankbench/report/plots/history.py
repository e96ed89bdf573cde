"""One figure from commit to commit, a panel a task, a line a model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rerankbench.report.plots.look import (
    PAPER,
    Size,
    legend,
    name_panel,
    panels,
    room_for,
    style,
)

MOST = 8
"""More lines than this in one panel cannot be told apart."""
_HEIGHT = 210.0
_LEGEND = 21.0
_LABEL = 90.0
"""Pixels between two labels of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One model: (place of the commit, value, whether it changed there), in order.

    A value that is None ends the line until there is one again.
    """

    name: str
    points: tuple[tuple[int, float | None, bool], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPanel:
    """One task with its lines."""

    title: str
    lines: tuple[HistoryLine, ...]


def draw(groups: Sequence[HistoryPanel], labels: Sequence[str], size: Size) -> Figure:
    """The panels; `labels` name the commits. Filled points are where the figure changed."""
    names = list(dict.fromkeys(line.name for panel in groups for line in panel.lines))
    below = _LEGEND * -(-len(names) // size.columns) + 10
    left = room_for(["0.0000"], size)
    figure, axes = panels(size, len(groups), _HEIGHT, left=left, below=below)
    for panel, ax in zip(groups, axes, strict=True):
        name_panel(ax, panel.title, size)
        ax.grid(axis="y")
        _name_commits(ax, labels)
        for line in panel.lines:
            _draw(ax, line, names.index(line.name), last=len(labels) - 1)
    legend(figure, size, names)
    return figure


def _name_commits(ax: Axes, labels: Sequence[str]) -> None:
    width = ax.get_window_extent().width
    step = -(-len(labels) // max(1, int(width / _LABEL)))
    places = range(0, len(labels), step)
    ax.set_xticks(list(places), [labels[at] for at in places])
    ax.set_xlim(-0.5, len(labels) - 0.5)


def _draw(ax: Axes, line: HistoryLine, number: int, *, last: int) -> None:
    look = style(number)
    marker = look.pop("marker")
    steps = [(at, math.nan if value is None else value) for at, value, _ in line.points]
    # The record holds until another commit changes it.
    ax.plot(*zip(*steps, (last, steps[-1][1]), strict=True), drawstyle="steps-post", **look)
    for chosen in (False, True):
        points = [
            (at, value)
            for at, value, changed in line.points
            if value is not None and changed == chosen
        ]
        if points:
            ax.plot(
                *zip(*points, strict=True),
                linestyle="none",
                marker=marker,
                markersize=8 if chosen else 5,
                color=look["color"],
                markerfacecolor=look["color"] if chosen else PAPER,
            )
