"""`rerankbench slices`: on which queries a reranker gains, and on which it loses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def slices(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders with records, or record files.", show_default="results"),
    ] = None,
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
            help="query-length, document-length, relevant, grade or first-stage.",
        ),
    ] = "query-length",
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="[default: the first of the records]"),
    ] = None,
    degree: Annotated[
        int, typer.Option("--degree", min=1, max=9, help="Of the polynomial over query length.")
    ] = 2,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="markdown, csv or json (with a point a length).",
            show_default="for reading in a terminal, markdown when piped",
        ),
    ] = None,
) -> None:
    """Part the queries by a fact and show where a reranker gains or loses.

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
