"""`rerankbench report`: a page with tables and plots of records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.usage import Paths


def report(
    paths: Paths = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The page to write.")
    ] = Path("report.html"),
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="The page's heading.", show_default="Reranker report"),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also write every plot there, as SVG and as PNG."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Headline metric.", show_default="that of the records"),
    ] = None,
) -> None:
    """Write a page with tables and plots from finished records.

    It is a single file that loads nothing: it can be mailed, and read offline.

    Example: rerankbench report results -o report.html --plots plots
    """
    from rerankbench.files.whole import write_whole
    from rerankbench.report.report import TITLE, export_plots, render, sections
    from rerankbench.results.record_set import open_archive

    parts = sections(open_archive(paths or [Path("results")]), metric=metric)
    write_whole(output, render(parts, title=title or TITLE))
    typer.echo(f"{output}: written", err=True)
    if plots is not None:
        written = export_plots(parts, plots)
        typer.echo(f"{plots}: {len(written)} files written", err=True)
