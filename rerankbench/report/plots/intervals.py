"""Means with their intervals: a row a model, a panel a collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from rerankbench.leaderboard.table import printable
from rerankbench.report.plots.look import (
    ACCENT,
    MUTED,
    Size,
    name_panel,
    panels,
    room_for,
    rows_of,
)

_ROW = 24.0
_BETWEEN = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The mean over that many queries, and its interval."""

    mean: float
    low: float
    high: float
    queries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalPanel:
    """One collection: name of the model → its estimate; `reference` is the first stage's mean."""

    title: str
    estimates: Mapping[str, Estimate]
    reference: float | None


def draw(
    groups: Sequence[IntervalPanel],
    names: Sequence[str],
    size: Size,
    *,
    quality_label: str,
    muted: Sequence[str] = (),
) -> Figure:
    """The panels, rows in the order of `names`; those in `muted` are not models."""
    figure, axes = panels(
        size, len(groups), _ROW * len(names), left=room_for(names, size), rest=_BETWEEN
    )
    for at, (panel, ax) in enumerate(zip(groups, axes, strict=True)):
        rows_of(ax, names, size, named=at % size.columns == 0)
        name_panel(ax, panel.title, size)
        ax.set_xlabel(printable(quality_label))
        ax.grid(axis="x")
        ax.xaxis.set_major_locator(MaxNLocator(nbins=5))
        if panel.reference is not None:
            ax.axvline(panel.reference, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for chosen in (False, True):
            shown = {
                row: panel.estimates[name]
                for row, name in enumerate(names)
                if name in panel.estimates and (name not in muted) == chosen
            }
            _estimates(ax, shown, models=chosen)
    return figure


def _estimates(ax: Axes, rows: dict[int, Estimate], *, models: bool) -> None:
    colour = ACCENT if models else MUTED
    at, estimates = list(rows), list(rows.values())
    ax.hlines(
        at,
        [estimate.low for estimate in estimates],
        [estimate.high for estimate in estimates],
        color=colour,
    )
    ax.plot(
        [estimate.mean for estimate in estimates],
        at,
        linestyle="none",
        marker="o" if models else "s",
        markersize=7 if models else 6,
        color=colour,
        markerfacecolor=colour if models else "none",
    )
