"""`rerankbench slices`: on which queries a reranker gains or loses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.usage import Paths


def slices(
    paths: Paths = None,
    model: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", metavar="NAME", help="Repeatable. [default: every model]"),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="NAME", help="[default: the first stage's own order]"),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="NAME",
            help="query-length, document-length, relevant, grade or first-stage.",
        ),
    ] = "query-length",
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="[default: the first of the records]"),
    ] = None,
    degree: Annotated[
        int,
        typer.Option(
            "--degree", metavar="N", min=1, max=9, help="Of the polynomial over query length."
        ),
    ] = 2,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown, csv or json (with a point a length).",
            show_default="a table to read; markdown when piped",
        ),
    ] = None,
) -> None:
    """Split the queries into groups; show where a reranker helps.

    Example: rerankbench slices results --model demo-cross-encoder --by first-stage
    """
    from rerankbench.report.slices import publish
    from rerankbench.results.record_set import open_archive

    archive = open_archive(paths or [Path("results")])
    text, problems = publish(
        archive,
        format_name,
        models=model or (),
        against=against,
        by=by,
        metric=metric,
        degree=degree,
    )
    typer.echo(text, nl=False)
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)
