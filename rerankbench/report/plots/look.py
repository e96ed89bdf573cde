"""The look of all plots: sizes in CSS pixels, colours, lines, numbers on the axes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import floor, log10
from typing import Any, Literal, TypeAlias
from unicodedata import east_asian_width

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from rerankbench.leaderboard.table import printable

Dashes: TypeAlias = "str | tuple[int, tuple[float, ...]]"

PAPER, INK, MUTED = "#fcfbf9", "#1b1d20", "#585e65"
RULE, GRID, ACCENT = "#dedad2", "#e6e3dc", "#0a58a5"
# The hues of Okabe and Ito (2008), which colour-blind people can distinguish, darkened to a
# contrast of 4.5 to 1 against the paper. Markers and dashes repeat with other periods than
# colours, so that colour is never the only difference between two lines.
SERIES = ("#0072b2", "#b34700", "#00795a", "#a8467f", "#7a6200", "#1d6fa3", "#4b4f55")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES: tuple[Dashes, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)))
VARIABLES: Mapping[str, str] = {
    PAPER: "--paper",
    INK: "--ink",
    MUTED: "--muted",
    RULE: "--rule",
    GRID: "--grid",
    ACCENT: "--accent",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
"""The page's CSS variable of each colour; its dark theme changes them."""

_SUBDIVISIONS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
_MAGNITUDES = ((1e9, "B"), (1e6, "M"), (1e3, "K"))
_SHORT = 26
_OWNED = re.compile(r"[\w.-]+/([\w.-]+)")
# Pixels above a panel for its title, below it for numbers and axis label, and to its right.
_ABOVE, _BENEATH, _RIGHT = 34.0, 48.0, 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A screen size: `width` and `font` are CSS pixels, `columns` the panels side by side.

    `most_ticks` is how many numbers a logarithmic axis has room for, `longest` how many letters a
    name beside a panel.
    """

    name: Literal["wide", "narrow"]
    width: int
    font: int
    columns: int
    most_ticks: int
    longest: int


WIDE = Size(name="wide", width=960, font=13, columns=2, most_ticks=8, longest=26)
NARROW = Size(name="narrow", width=350, font=12, columns=1, most_ticks=6, longest=18)


@contextmanager
def look(size: Size, salt: str = "") -> Iterator[None]:
    """Draw and write figures inside this context: equal values then give equal bytes."""
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": f"{salt}-{size.name}",
        # A name is not a formula.
        "text.parse_math": False,
        # One point is one CSS pixel.
        "figure.dpi": 72,
        "font.family": "DejaVu Sans",
        "font.size": size.font,
        "axes.titlesize": size.font,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        "axes.labelsize": size.font,
        "axes.labelcolor": MUTED,
        "axes.edgecolor": RULE,
        "axes.facecolor": "none",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "text.color": INK,
        "xtick.color": RULE,
        "xtick.labelcolor": MUTED,
        "ytick.color": RULE,
        "ytick.labelcolor": MUTED,
        "grid.color": GRID,
        "grid.linewidth": 1.0,
        "legend.frameon": False,
        "figure.facecolor": PAPER,
    }
    with mpl.rc_context(settings):
        yield


def panels(
    size: Size,
    count: int,
    inner: float,
    *,
    left: float,
    rest: float | None = None,
    below: float = 0,
) -> tuple[Figure, list[Axes]]:
    """A figure with that many panels, row by row, each `inner` pixels high without its labels.

    `left` is the room for names or numbers beside the first panel of a row, `rest` that beside the
    others if different; `below` is left free under all of them.
    """
    columns = min(size.columns, count)
    rows = -(-count // columns)
    rest = left if rest is None else rest
    panel_height = inner + _ABOVE + _BENEATH
    height = rows * panel_height + below
    width = (size.width - left - (columns - 1) * rest) / columns - _RIGHT
    figure = Figure(figsize=(size.width / 72, height / 72), dpi=72)
    axes = []
    for at in range(count):
        row, column = divmod(at, columns)
        x = left + column * (width + _RIGHT + rest)
        y = height - row * panel_height - _ABOVE - inner
        place = (x / size.width, y / height, width / size.width, inner / height)
        axes.append(figure.add_axes(place))
    return figure, axes


def room_for(names: Sequence[str], size: Size) -> float:
    """The width in pixels of the longest name, as shortened by `short`."""
    widths = (
        sum(1.0 if east_asian_width(c) in "WF" else 0.62 for c in short(name, size.longest))
        for name in names
    )
    return max(widths, default=0.0) * size.font + 12


def rows_of(axes: Axes, names: Sequence[str], size: Size, *, named: bool) -> None:
    """Rows from the top down; if `named`, with their names at the left edge."""
    axes.set_ylim(len(names) - 0.4, -0.6)
    shown = [short(name, size.longest) for name in names]
    axes.set_yticks(range(len(names)) if named else [], shown if named else None)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)


def style(number: int) -> dict[str, Any]:
    """Colour, dashes and marker of the line with that number."""
    return {
        "color": SERIES[number % len(SERIES)],
        "linestyle": DASHES[number % len(DASHES)],
        "marker": MARKERS[number % len(MARKERS)],
    }


def legend(figure: Figure, size: Size, names: Sequence[str]) -> None:
    """A legend below the panels: the n-th name has the n-th style."""
    lines = [Line2D([], [], label=short(name), **style(at)) for at, name in enumerate(names)]
    figure.legend(
        handles=lines, loc="lower left", ncols=size.columns, handlelength=3.5, borderaxespad=0
    )


def short(name: str, length: int = _SHORT) -> str:
    """A name as plots show it: without the owner, and with a long one cut in the middle."""
    owned = _OWNED.fullmatch(printable(name))
    own = printable(name) if owned is None else owned[1]
    if len(own) <= length:
        return own
    head = (length - 1) // 2
    return f"{own[:head]}…{own[head + 1 - length :]}"


def name_panel(axes: Axes, name: str, size: Size) -> None:
    """Put the panel's name above it."""
    axes.set_title(short(name, 2 * size.longest), pad=10)


def name_values(axes: Axes, across: str, up: str) -> None:
    """Label both axes; y's label stands above, because rotated text is slow to read."""
    axes.set_xlabel(printable(across))
    axes.set_title(printable(up), color=MUTED, fontweight="normal", pad=10)


def log_axis(axes: Axes, values: Sequence[float], size: Size, *, room: float = 1.35) -> None:
    """Make x logarithmic, with round numbers; `room` is the factor from values to edges."""
    low, high = min(values) / room, max(values) * room
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    ticks = log_ticks(low, high, size.most_ticks)
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(lambda value, _: plain(value))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Three to `most` round numbers between two positive numbers, or those of a linear axis."""
    powers = range(floor(log10(low)), floor(log10(high)) + 1)
    chosen: list[float] = []
    for parts in _SUBDIVISIONS:
        ticks = [part * 10.0**power for power in powers for part in parts]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) > most and len(chosen) >= 3:
            break
        chosen = inside
    if len(chosen) >= 3:
        return chosen[:: -(-len(chosen) // most)]
    linear = MaxNLocator(nbins=5).tick_values(low, high)
    return [float(tick) for tick in linear if low <= tick <= high]


def plain(value: float) -> str:
    """A round number as axes show it: 0.5, 200, 1.5K, 3M."""
    for size, letter in _MAGNITUDES:
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"
