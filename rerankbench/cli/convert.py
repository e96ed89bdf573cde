"""`rerankbench convert`: rows and other tools' files → a collection that `run` reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.numbers import finite
from rerankbench.cli.run import Names

Column = str | None


def convert(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Rows in CSV, TSV, JSON lines or parquet; or a folder of MS MARCO's or "
            "Hugging Face's form.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="Folder to make. [default: as the file is called]",
        ),
    ] = None,
    query: Annotated[
        Column, typer.Option(metavar="COLUMN", help="The query's text. [default: guessed]")
    ] = None,
    document: Annotated[
        Column, typer.Option(metavar="COLUMN", help="The document's text.")
    ] = None,
    label: Annotated[
        Column, typer.Option(metavar="COLUMN", help="How relevant it is: 0, 1, 2 …, true, no …")
    ] = None,
    positive: Annotated[
        Names, typer.Option(metavar="COLUMN", help="A relevant document, or a list; repeatable.")
    ] = None,
    negative: Annotated[
        Names, typer.Option(metavar="COLUMN", help="One that is not relevant; repeatable.")
    ] = None,
    query_id: Annotated[
        Column, typer.Option(metavar="COLUMN", help="The query's id; none: make it of the text.")
    ] = None,
    document_id: Annotated[
        Column, typer.Option(metavar="COLUMN", help="The document's id; none: as above.")
    ] = None,
    title: Annotated[
        Column, typer.Option(metavar="COLUMN", help="The document's title; none: leave it out.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="X", callback=finite, help="Labels from X on are relevant, others are not."
        ),
    ] = None,
    grade: Annotated[
        Names, typer.Option(metavar="WORD=N", help="What a word as label means; repeatable.")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Queries in a file of their own.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Documents in a file of their own.")
    ] = None,
    qrels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judgments in a file of their own.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which split of a folder. [default: test]")
    ] = None,
    no_header: Annotated[
        bool,
        typer.Option("--no-header", help="The first line is a row; columns are 1, 2, 3 …"),
    ] = False,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="Quotation marks in CSV or TSV are text.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a collection that is there.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask before writing.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say less.")] = False,
) -> None:
    """Make a collection from rows or from another tool's files.

    Shows how columns are read and what comes of it before it writes.

    Example: rerankbench convert support.csv --query question --label useful
    """
    from rerankbench.errors import UsageError
    from rerankbench.interchange.convert import command
    from rerankbench.interchange.convert.columns import ColumnOptions
    from rerankbench.interchange.convert.labels import Labels, parse_words
    from rerankbench.interchange.convert.sources import Named

    if not paths and not (queries and corpus and qrels):
        raise UsageError("name a file or a folder, or all of --queries, --corpus and --qrels")
    command.convert(
        command.ConvertOptions(
            named=Named(
                paths=paths or (), queries=queries, corpus=corpus, qrels=qrels, split=split
            ),
            output=output,
            columns=ColumnOptions(
                query=query,
                document=document,
                label=label,
                positive=positive,
                negative=negative,
                query_id=query_id,
                document_id=document_id,
                title=title,
            ),
            labels=Labels(threshold=threshold, words=parse_words(grade)),
            has_heading=not no_header,
            quotes=not no_quotes,
            force=force,
            yes=yes,
            quiet=quiet,
        )
    )
