"""A plot on a page: the picture in two widths, a description, and the table behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from rerankbench.files.whole import write_whole
from rerankbench.leaderboard.renderers.html import fragment
from rerankbench.leaderboard.renderers.templates import fill
from rerankbench.leaderboard.table import Table
from rerankbench.report.page import TEMPLATES
from rerankbench.report.plots.look import NARROW, WIDE, Size
from rerankbench.report.plots.svg import inline, png_file, svg_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One plot; `name` is its anchor in the page and the stem of its files.

    `description` describes in words what it shows. `notes` are the sentences below the picture,
    escaped unless they are `Markup`. `labels` are tooltips of single points, by the name of their
    group in the figure.
    """

    name: str
    title: str
    description: str
    draw: Callable[[Size], Figure]
    table: Table
    notes: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


def figure_html(plot: Plot) -> Markup:
    """The plot as an element: one picture for wide screens, one for phones, one table."""
    pictures = {
        size.name: inline(
            plot.draw,
            size,
            identifier=f"plot-{plot.name}-{size.name}",
            title=plot.title,
            description=plot.description,
            labels=plot.labels,
        )
        for size in (WIDE, NARROW)
    }
    return fill("plot.html", TEMPLATES, plot=plot, pictures=pictures, table=fragment([plot.table]))


def export(plot: Plot, folder: Path) -> list[Path]:
    """Write the plot as `NAME.svg` and `NAME.png` into a folder; returns the paths."""
    files = {
        folder / f"{plot.name}.svg": svg_file(plot.draw, WIDE, plot.name),
        folder / f"{plot.name}.png": png_file(plot.draw, WIDE, plot.name),
    }
    for path, body in files.items():
        write_whole(path, body)
    return list(files)
