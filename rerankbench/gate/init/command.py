"""What `rerankbench init` does: asks, writes files, runs once and keeps the baseline."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from rerankbench.console import Terminal
from rerankbench.errors import UsageError
from rerankbench.gate.baselines import command as baselines_command
from rerankbench.gate.baselines.keep import FOLDER
from rerankbench.gate.init import git_ignore, installed, scaffold
from rerankbench.gate.init.scaffold import BASELINE, CONFIG, PACKAGE, Answers, Scaffold
from rerankbench.leaderboard.publish import run_as_text
from rerankbench.run import command

_RESULTS = Path("results") / CONFIG.stem
_NO_SPEED: Mapping[str, Any] = {"speed": {"enabled": False}}


@dataclass(frozen=True, slots=True, kw_only=True)
class InitOptions:
    """The given options; None for those to ask for."""

    datasets: list[str] | None = None
    models: list[str] | None = None
    ci: list[str] | None = None
    max_drop: list[str] | None = None
    package: str | None = None


def init(options: InitOptions, folder: Path, *, run: bool, yes: bool) -> None:
    """Ask, write, run, keep the baseline; write nothing unless the answers work."""
    terminal = Terminal()
    if not yes and not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at; answer with options and add --yes")
    answers = _answers(options, folder, ask=not yes)
    planned = scaffold.make(answers, folder)
    scaffold.refuse_existing(planned, FOLDER / BASELINE, _RESULTS, folder)
    if not yes:
        _confirm(planned, folder)
    with contextlib.chdir(folder):
        if run:
            command.check(planned.config)
        for path in scaffold.write(planned, Path()):
            typer.echo(str(path))
        _say_additions(planned, terminal)
        if run:
            command.run_config(CONFIG, _NO_SPEED, run_as_text, fresh=False, verbosity=0)
            baselines_command.save(None, BASELINE, [_RESULTS])
    _say_what_is_left(planned, terminal, has_run=run)


def _answers(options: InitOptions, folder: Path, *, ask: bool) -> Answers:
    def answer(question: str, value: list[str] | None, default: str) -> list[str]:
        if value is None and ask:
            return str(typer.prompt(question, default=default, err=True)).split()
        return value if value is not None else [default]

    systems = ", ".join((*scaffold.CI, scaffold.NO_CI))
    datasets = answer(
        "Collections (BEIR folders, ir_datasets ids, demo)", options.datasets, "demo"
    )
    models = answer("Rerankers (hub ids, folders, names)", options.models, "demo-cross-encoder")
    ci = answer(f"CI ({systems})", options.ci, "github")
    return Answers(
        datasets=datasets,
        models=models,
        ci=ci,
        max_drop=answer("Largest acceptable drop", options.max_drop, "nDCG@10=0.005"),
        package=_package(options.package, ci, folder, ask=ask),
    )


def _package(package: str | None, ci: Sequence[str], folder: Path, *, ask: bool) -> str:
    """What CI installs; without being asked only something that another machine can get."""
    if package is not None:
        return package
    if not scaffold.installs(ci):
        return PACKAGE
    origin = installed.requirement(folder)
    if ask:
        question = "What pip installs in CI (a release, a git address, a path in the repository)"
        return str(typer.prompt(question, default=origin, err=True)).strip()
    if origin is None:
        raise UsageError(
            "rerankbench came from a folder that CI does not have; name with --package what "
            "pip installs there: a path in the repository, or 'rerankbench @ git+https://…'"
        )
    return origin


def _confirm(planned: Scaffold, folder: Path) -> None:
    for path in planned.files:
        typer.echo(f"  {path}", err=True)
    lines = git_ignore.missing(folder)
    if lines:
        typer.echo(f"  {git_ignore.FILE}: {' '.join(lines)}", err=True)
    if not typer.confirm("Write these files?", default=True, err=True):
        raise UsageError("nothing was written")


def _say_what_is_left(planned: Scaffold, terminal: Terminal, *, has_run: bool) -> None:
    terminal.note("Left to do:")
    if not has_run:
        terminal.note(f"- rerankbench run {CONFIG} --no-speed")
        terminal.note(f"- rerankbench baseline save {BASELINE} {_RESULTS}")
    for line in planned.then:
        terminal.note(f"- {line}")
    terminal.note(f"- commit these files and {FOLDER}: the gate compares with what git holds")


def _say_additions(planned: Scaffold, terminal: Terminal) -> None:
    for path, text in planned.additions.items():
        terminal.warn(f"{path} is there already and stays as it is; add to it:")
        typer.echo(text, err=True)
