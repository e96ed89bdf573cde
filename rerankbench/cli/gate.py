"""`rerankbench gate`: did a change make quality or speed worse?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

FAILED = 3


def gate(
    base: Annotated[Path, typer.Argument(help="Records from before: a folder or a baseline.")],
    new: Annotated[Path, typer.Argument(help="Records from after.")],
    max_drop: Annotated[
        list[str] | None,
        typer.Option(metavar="METRIC=DROP", help="Margin; repeatable. [default: nDCG@10=0.005]"),
    ] = None,
    max_slowdown: Annotated[
        str, typer.Option(metavar="SHARE", help="How much more time is allowed.")
    ] = "10%",
    max_memory_growth: Annotated[
        str, typer.Option(metavar="SHARE", help="How much more memory is allowed.")
    ] = "10%",
    speed: Annotated[str, typer.Option(help="check, or ignore speed and memory.")] = "check",
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail as well where it could not be told.")
    ] = False,
    format_name: Annotated[
        str, typer.Option("--format", help="text, json, junit, markdown or github.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write instead of stdout.")
    ] = None,
) -> None:
    """Decide whether a change made quality, speed or memory worse.

    Exit code 0: passed, or too few queries to tell (3 with --strict). 3: failed.

    Example: rerankbench gate results/baselines/main results/now --max-drop nDCG@10=0.01
    """
    from rerankbench.cli.wiring_gate import decide
    from rerankbench.compare.gate.limits import limits

    wanted = limits(max_drop or [], speed=speed, slowdown=max_slowdown, growth=max_memory_growth)
    passed = decide(base, new, wanted, format_name, output=output, strict=strict)
    if not passed:
        raise typer.Exit(FAILED)
