"""`rerankbench init`: a config, a CI workflow and a baseline for your repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.run import Names


def init(
    dataset: Annotated[
        Names,
        typer.Option(
            "-d", "--dataset", metavar="COLLECTION", help="As in run; repeatable. [default: demo]"
        ),
    ] = None,
    model: Annotated[
        Names,
        typer.Option(
            "-m",
            "--model",
            metavar="MODEL",
            help="As in run; repeatable. [default: demo-cross-encoder]",
        ),
    ] = None,
    ci: Annotated[
        Names,
        typer.Option(
            metavar="NAME",
            help="github, gitlab, jenkins, pre-commit or none; repeatable. [default: github]",
        ),
    ] = None,
    max_drop: Annotated[
        Names,
        typer.Option(
            metavar="METRIC=DROP", help="As in gate; repeatable. [default: nDCG@10=0.005]"
        ),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What pip installs in CI. [default: as installed here]"),
    ] = None,
    folder: Annotated[
        Path, typer.Option(metavar="FOLDER", help="The repository; paths are seen from there.")
    ] = Path(),
    collection: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Only write a small collection there, to start from."),
    ] = None,
    no_run: Annotated[
        bool, typer.Option("--no-run", help="Only write files, without a baseline.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("-y", "--yes", help="Do not ask; use defaults for anything not given.")
    ] = False,
) -> None:
    """Write a config and a CI workflow, and keep a first baseline.

    Asks for options that are not given. Overwrites nothing.

    Example: rerankbench init -d data/ours -m models/ours --ci gitlab --yes
    """
    from rerankbench.errors import UsageError
    from rerankbench.gate.init import command, starter

    if collection is not None:
        if dataset or model or ci or max_drop or package or no_run or folder != Path():
            raise UsageError("--collection writes a collection and no more; leave the rest out")
        starter.write_starter(collection)
        return
    options = command.InitOptions(
        datasets=dataset, models=model, ci=ci, max_drop=max_drop, package=package
    )
    command.init(options, folder, run=not no_run, yes=yes)
