"""What `rerankbench gate` does: reads records, gets the verdicts, shows them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from rerankbench.console import Terminal
from rerankbench.errors import InputError
from rerankbench.files.whole import append, write_whole
from rerankbench.gate.baselines.keep import Baselines
from rerankbench.gate.limits import Limits
from rerankbench.gate.remeasure.command import gate_of_versions
from rerankbench.gate.remeasure.request import GateRequest
from rerankbench.gate.show import formats, terminal
from rerankbench.gate.sources import Sources
from rerankbench.gate.verdict import Gate


def decide(
    base: Path | None,
    new: Path | None,
    request: GateRequest,
    limits: Limits,
    format_name: str,
    *,
    output: Path | None,
    strict: bool,
) -> bool:
    """Compare new records with the base and show the result; whether the gate passed."""
    request.refuse_contradictions(
        base=base is not None, new=new is not None, speed=limits.slowdown is not None
    )
    if base is None or new is None:
        gate = gate_of_versions(request, limits, None)
    else:
        resolve = Baselines().resolve
        sources = Sources.at(resolve(base), resolve(new))
        gate = (
            gate_of_versions(request, limits, sources)
            if request.runs
            else sources.compare(limits, Terminal())
        )
    _show(gate, format_name, output)
    return gate.conclusion == "passed" or (gate.conclusion == "unclear" and not strict)


def _show(gate: Gate, format_name: str, output: Path | None) -> None:
    if format_name == "text" and output is None and sys.stdout.isatty():
        width = min(120, os.get_terminal_size().columns)
        typer.echo(terminal.render(gate, width=width, colours=True), nl=False)
        return
    text = formats.render(gate, format_name)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_whole(output, text)
        typer.echo(f"{output}: written", err=True)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if format_name == "github" and summary:
        _append(Path(summary), formats.as_markdown(gate))


def _append(path: Path, text: str) -> None:
    """GitHub's summary of a step is a file that every program adds to."""
    try:
        append(path, text)
    except OSError as error:
        remedy = "check GITHUB_STEP_SUMMARY"
        problem = f"cannot be written ({error.strerror})"
        raise InputError(path, problem, remedy=remedy) from None
