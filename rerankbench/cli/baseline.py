"""`rerankbench baseline save|show|promote`: records in git that the gate compares with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.usage import Command, Paths, new_app

Name = Annotated[str, typer.Argument(metavar="NAME", help="What the baseline is called.")]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Where baselines lie. [default: results/baselines]"),
]

app = new_app(no_args_is_help=True)


@app.callback()
def root() -> None:
    """Keep records under a name, for the gate to compare with.

    `rerankbench gate NAME NEW` compares newer records with them.

    Example: rerankbench baseline save main results/
    """


@app.command(cls=Command)
def save(name: Name, paths: Paths = None, folder: Folder = None) -> None:
    """Keep the newest finished records of every cell as a baseline.

    Example: rerankbench baseline save main results/
    """
    from rerankbench.gate.baselines import command

    command.save(folder, name, paths or [Path("results")])


@app.command(cls=Command)
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them.", show_default="all")
    ] = None,
    format_name: Annotated[
        str, typer.Option("--format", metavar="NAME", help="markdown or json.")
    ] = "markdown",
    folder: Folder = None,
) -> None:
    """Print the cells of baselines with means and docs/s.

    Example: rerankbench baseline show main --format json
    """
    from rerankbench.gate.baselines import command

    command.show(folder, name, format_name)


@app.command(cls=Command)
def promote(
    name: Name,
    paths: Paths = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    folder: Folder = None,
) -> None:
    """Replace a baseline by newer records, after showing the gate.

    Example: rerankbench baseline promote main results/ --yes
    """
    from rerankbench.gate.baselines import command

    command.promote(folder, name, paths or [Path("results")], yes=yes)
