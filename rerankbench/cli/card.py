"""`rerankbench card`: one reranker's page, or a page for each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.numbers import finite
from rerankbench.cli.usage import Paths


def card(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL", help="A reranker's name in the records.", show_default=False
        ),
    ] = None,
    paths: Paths = None,
    every: Annotated[
        bool, typer.Option("--all", help="A page for each; omit MODEL, -o is a folder.")
    ] = False,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown or html.",
            show_default="tables to read; markdown when piped",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File to write instead of stdout."),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Metric that decides games.", show_default="that of the records"
        ),
    ] = None,
    margin: Annotated[
        float,
        typer.Option(
            "--tie-margin",
            metavar="X",
            min=0,
            callback=finite,
            help="Largest difference that counts as a tie.",
        ),
    ] = 0.0,
    judge: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Decide games by this judge's stored answers."),
    ] = None,
) -> None:
    """Write a reranker's page: rating, games, accuracy and latency.

    Every query is a game between every two rerankers with records. No model is run.

    Example: rerankbench card demo-cross-encoder results --format html -o card.html
    """
    from rerankbench.compare.judged import StoredJudge
    from rerankbench.errors import UsageError
    from rerankbench.files.whole import write_whole
    from rerankbench.report.card.publish import all_cards, card_text
    from rerankbench.results.record_set import open_archive

    if judge is not None and margin:
        raise UsageError("--tie-margin is for a metric's values; leave it out with --judge")
    if every:
        if output is None:
            raise UsageError("--all writes files; name a folder for them with -o FOLDER")
        places = [Path(model), *(paths or [])] if model is not None else [Path("results")]
        archive = open_archive(places)
        decides = None if judge is None else StoredJudge(archive, archive.records, judge)
        files = all_cards(
            archive.records, format_name or "markdown", metric=metric, margin=margin, judge=decides
        )
        for name, text in files.items():
            write_whole(output / name, text)
        typer.echo(f"{output}: {len(files)} pages written", err=True)
        return
    if model is None:
        raise UsageError("name a reranker, or add --all")
    archive = open_archive(paths or [Path("results")])
    decides = None if judge is None else StoredJudge(archive, archive.records, judge)
    usual = None if output is None else "markdown"
    text = card_text(
        archive.records, model, format_name or usual, metric=metric, margin=margin, judge=decides
    )
    if output is None:
        typer.echo(text, nl=False)
        return
    write_whole(output, text)
    typer.echo(f"{output}: written", err=True)
