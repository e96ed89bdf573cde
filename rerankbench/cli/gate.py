"""`rerankbench gate`: did a change make quality or speed worse?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rerankbench.cli.numbers import finite

FAILED = 3


def gate(
    base: Annotated[
        Path | None,
        typer.Argument(
            metavar="BASE", help="Records from before: a folder or a baseline.", show_default=False
        ),
    ] = None,
    new: Annotated[
        Path | None, typer.Argument(metavar="NEW", help="Records from after.", show_default=False)
    ] = None,
    max_drop: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=DROP", help="Margin; repeatable. [default: nDCG@10=0.005]"),
    ] = None,
    max_slowdown: Annotated[
        str, typer.Option(metavar="SHARE", help="Largest allowed increase of time.")
    ] = "10%",
    max_memory_growth: Annotated[
        str, typer.Option(metavar="SHARE", help="Largest allowed increase of memory.")
    ] = "10%",
    speed: Annotated[
        str, typer.Option(metavar="NAME", help="check, or ignore speed and memory.")
    ] = "check",
    rev: Annotated[
        str | None, typer.Option(metavar="REV", help="Run this git revision as the base.")
    ] = None,
    new_rev: Annotated[
        str | None,
        typer.Option(metavar="REV", help="And this one as the new. [default: your files]"),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "-c", "--config", metavar="FILE", help="Config for both. [default: the demo]"
        ),
    ] = None,
    remeasure: Annotated[
        int | None,
        typer.Option(metavar="N", help="Measure speed in N rounds, base and new in turn."),
    ] = None,
    speed_budget: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            callback=finite,
            help="Seconds to measure a cell in a round. [default: 10]",
        ),
    ] = None,
    base_python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Python that runs the base.")
    ] = None,
    new_python: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Python that runs the new.")
    ] = None,
    install: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND", help="Installs a revision; {python} is its Python. [default: pip]"
        ),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Empty folder to keep what was run.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Also fail if a result is unclear.")
    ] = False,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="NAME", help="text, json, junit, markdown or github."),
    ] = "text",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="File to write instead of stdout."),
    ] = None,
) -> None:
    """Decide whether a change made quality, speed or memory worse.

    BASE and NEW are records. With --rev, both versions are run instead: the
    revision in its own worktree and environment, and your present files.

    Differences are new − base: negative is worse.

    Exit code 0: passed, or unclear (3 with --strict). 3: failed.

    Example: rerankbench gate results/baselines/main results/now --max-drop nDCG@10=0.01

    Example: rerankbench gate --rev main -c configs/mine.yaml --remeasure 10
    """
    from rerankbench.gate.command import decide
    from rerankbench.gate.limits import limits
    from rerankbench.gate.remeasure.request import GateRequest

    request = GateRequest(
        rev=rev,
        new_rev=new_rev,
        base_python=base_python,
        new_python=new_python,
        install=install,
        config=config,
        rounds=remeasure,
        budget_s=speed_budget,
        keep=keep,
    )
    allowed = limits(max_drop or [], speed=speed, slowdown=max_slowdown, growth=max_memory_growth)
    if not decide(base, new, request, allowed, format_name, output=output, strict=strict):
        raise typer.Exit(FAILED)
