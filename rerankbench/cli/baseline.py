"""`rerankbench baseline save|show|promote`: what the gate holds results against, kept in git."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Name = Annotated[str, typer.Argument(help="What the baseline is called.")]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(help="Folders with records, or record files.", show_default="results"),
]
Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where baselines lie. [default: results/baselines]"),
]

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


@app.callback()
def root() -> None:
    """Records kept under a name, for `rerankbench gate NAME NEW` to compare with.

    Example: rerankbench baseline save main results/
    """


@app.command()
def save(name: Name, paths: Paths = None, folder: Folder = None) -> None:
    """Keep finished records as a new baseline: of every cell the newest.

    Example: rerankbench baseline save main results/
    """
    from rerankbench.gate.baselines import command

    command.save(folder, name, paths or [Path("results")])


@app.command()
def show(
    name: Annotated[str | None, typer.Argument(help="One of them.", show_default="all")] = None,
    format_name: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    folder: Folder = None,
) -> None:
    """Print what baselines hold: cells, means, docs/s.

    Example: rerankbench baseline show main --format json
    """
    from rerankbench.gate.baselines import command

    command.show(folder, name, format_name)


@app.command()
def promote(
    name: Name,
    paths: Paths = None,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")] = False,
    folder: Folder = None,
) -> None:
    """Replace a baseline by newer records, after showing the gate between both.

    Example: rerankbench baseline promote main results/ --yes
    """
    from rerankbench.gate.baselines import command

    command.promote(folder, name, paths or [Path("results")], yes=yes)
