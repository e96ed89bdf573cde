"""`rerankbench export`: writes finished records as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.usage import Paths


def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Folder for the files.")
    ],
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="trec, ranx, ir-measures or mteb.")
    ],
    paths: Paths = None,
    gzipped: Annotated[bool, typer.Option("--gzip", help="Pack TREC files.")] = False,
    untied: Annotated[
        bool,
        typer.Option(
            "--untied", help="Write scores by rank, so that all tools agree on the order."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print less.")] = False,
) -> None:
    """Write finished records in the forms of other tools.

    trec and ranx write all runs and judgments, ir-measures the values per
    query, mteb the means in the form of MTEB's result files.

    Example: rerankbench export results --format trec -o runs/
    """
    from rerankbench.console import Terminal
    from rerankbench.interchange.export import export as write
    from rerankbench.results.record_set import open_archive

    terminal = Terminal(verbosity=-1 if quiet else 0)
    archive = open_archive(paths or [Path("results")], with_settings=False)
    count = write(archive, format_name, output, gzipped=gzipped, untied=untied, progress=terminal)
    terminal.note(f"{output}: {count} files")
