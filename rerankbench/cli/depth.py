"""`rerankbench depth`: how quality varies with the number of reranked candidates."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.numbers import finite
from rerankbench.cli.usage import Paths


def depth(
    paths: Paths = None,
    model: Annotated[
        list[str] | None,
        typer.Option("-m", "--model", metavar="NAME", help="Repeatable. [default: every model]"),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="[default: the first of the records]"),
    ] = None,
    latency_ms: Annotated[
        float,
        typer.Option(
            "--latency-ms",
            metavar="X",
            min=0,
            callback=finite,
            help="Find the best depth within this time for a query.",
        ),
    ] = 200.0,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown, csv (every depth) or json.",
            show_default="a table to read; markdown when piped",
        ),
    ] = None,
) -> None:
    """Show quality at every rerank depth, from one deep run.

    Run once with a large --top-k; the scores give the ranking at all smaller depths.

    Example: rerankbench depth results --model demo-cross-encoder --latency-ms 100
    """
    from rerankbench.report.depth import publish
    from rerankbench.results.record_set import open_archive

    archive = open_archive(paths or [Path("results")])
    text, problems = publish(
        archive, format_name, models=model or (), metric=metric, budget_ms=latency_ms
    )
    typer.echo(text, nl=False)
    for problem in problems:
        typer.echo(f"left out: {problem}", err=True)
