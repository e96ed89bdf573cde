"""`rerankbench history`: one figure over the commits of records that git keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.run import Names


def history(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A baseline's name, or a folder of records or a record that git has.",
        ),
    ] = Path("main"),
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A metric, docs/s, p50, p90 … or usd. [default: the headline]"
        ),
    ] = None,
    model: Annotated[
        Names,
        typer.Option("-m", "--model", metavar="NAME", help="Repeatable. [default: all]"),
    ] = None,
    collection: Annotated[
        Names,
        typer.Option("-d", "--collection", metavar="NAME", help="Repeatable. [default: all]"),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown, csv or json.",
            show_default="a table to read; markdown when piped",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw it too, into a .svg or .png."),
    ] = None,
) -> None:
    """Show one figure over commits of records, and where it changed.

    Reads what git holds, whatever lies in the work tree.

    Example: rerankbench history main --metric nDCG@10 --plot history.svg
    """
    from rerankbench.gate.history import command

    command.history(
        path,
        command.HistoryOptions(
            metric=metric,
            models=model or (),
            collections=collection or (),
            format_name=format_name,
            plot=plot,
        ),
    )
