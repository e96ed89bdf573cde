"""`rerankbench compare`: two rerankers side by side, from finished records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compare(
    a: Annotated[str, typer.Argument(help="Name of a reranker, or results.", metavar="A")],
    b: Annotated[str, typer.Argument(help="The other one.", metavar="B")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help="Where both rerankers' records lie.", show_default="results"
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(metavar="NAME", help="[default: the first of the records]")
    ] = None,
    queries: Annotated[
        int, typer.Option(metavar="N", min=0, help="Differing queries shown for each collection.")
    ] = 5,
    documents: Annotated[
        bool, typer.Option("--documents", help="Show texts, read from the collections.")
    ] = False,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "-d",
            "--dataset",
            metavar="COLLECTION",
            help="Where a collection lies, for --documents; repeatable.",
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="markdown, html or json.",
            show_default="tables to read; markdown when piped",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File to write instead of stdout."),
    ] = None,
) -> None:
    """Set two rerankers, or two result folders, side by side.

    Differences are B − A: negative is worse. Without PATHS, A and B are either two existing
    folders or files with records, whose matching cells are compared, or the names of two
    rerankers in results/.

    Example: rerankbench compare bm25 demo-cross-encoder results
    """
    from rerankbench.errors import UsageError
    from rerankbench.files.whole import write_whole
    from rerankbench.report.comparison.publish import publish
    from rerankbench.results.find_texts import CollectionFinder

    if dataset and not documents:
        raise UsageError("--dataset is the source of texts; add --documents to show them")
    library = CollectionFinder(dataset or ()) if documents else None
    chosen = format_name or (None if output is None else "markdown")
    text = publish(a, b, paths or [], chosen, metric=metric, queries=queries, library=library)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_whole(output, text)
        typer.echo(f"{output}: written", err=True)
