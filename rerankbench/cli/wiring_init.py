"""Puts the rooms together for `init`: questions, files, the first run and its baseline."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from rerankbench import scaffold
from rerankbench.baselines.keep import FOLDER
from rerankbench.cli import wiring, wiring_baseline
from rerankbench.console import Terminal
from rerankbench.errors import UsageError
from rerankbench.scaffold import BASELINE, CONFIG, PACKAGE, Answers, Scaffold

_RESULTS = Path("results") / CONFIG.stem
_NO_SPEED: Mapping[str, Any] = {"speed": {"enabled": False}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the options say; None is to be asked for."""

    datasets: list[str] | None = None
    models: list[str] | None = None
    ci: list[str] | None = None
    max_drop: list[str] | None = None
    package: str | None = None


def init(given: Given, folder: Path, *, run: bool, yes: bool) -> None:
    """Ask, write, run, keep the baseline; nothing is written before all of it is known to work."""
    terminal = Terminal()
    if not yes and not sys.stdin.isatty():
        raise UsageError("there is nobody to ask; answer by options and add --yes")
    answers = _answers(given, ask=not yes)
    made = scaffold.make(answers, folder)
    results = (FOLDER / BASELINE, _RESULTS)
    scaffold.refuse_existing([*made.files, *results], folder)
    if not yes:
        _confirm(made)
    with contextlib.chdir(folder):
        if run:
            wiring.check(made.config)
        scaffold.write(made, Path())
        for path in made.files:
            typer.echo(str(path))
        _say_additions(made, terminal)
        if run:
            wiring.run_and_report(CONFIG, _NO_SPEED, fresh=False, verbosity=0)
            wiring_baseline.save(None, BASELINE, [_RESULTS])
        else:
            terminal.note(f"then: rerankbench run {CONFIG} --no-speed")
            terminal.note(f"and:  rerankbench baseline save {BASELINE} {_RESULTS}")
    _say_next(made, answers.package, terminal)


def _answers(given: Given, *, ask: bool) -> Answers:
    def one(question: str, value: list[str] | None, default: str) -> list[str]:
        if value is None and ask:
            return str(typer.prompt(question, default=default, err=True)).split()
        return value if value is not None else [default]

    def package() -> str:
        if given.package is None and ask:
            return str(typer.prompt("What pip installs in CI", default=PACKAGE, err=True)).strip()
        return given.package or PACKAGE

    systems = ", ".join((*scaffold.CI, scaffold.NO_CI))
    return Answers(
        datasets=one("Collections (BEIR folders, ir_datasets ids, demo)", given.datasets, "demo"),
        models=one("Rerankers (hub ids, folders, names)", given.models, "demo-cross-encoder"),
        ci=one(f"CI ({systems})", given.ci, "github"),
        max_drop=one("The drop that is still no matter", given.max_drop, "nDCG@10=0.005"),
        package=package(),
    )


def _confirm(made: Scaffold) -> None:
    for path in made.files:
        typer.echo(f"  {path}", err=True)
    if not typer.confirm("Write these files?", default=True, err=True):
        raise UsageError("nothing was written")


def _say_additions(made: Scaffold, terminal: Terminal) -> None:
    for path, text in made.additions.items():
        terminal.warn(f"{path} is there already and stays as it is; add to it:")
        typer.echo(text, err=True)


def _say_next(made: Scaffold, package: str, terminal: Terminal) -> None:
    terminal.note(f"commit these files and {FOLDER}: the gate compares with what git holds")
    if package == PACKAGE and any("pip install" in text for text in made.files.values()):
        terminal.note(
            f"CI will `pip install {PACKAGE}`; where no package index has it, set "
            "RERANKBENCH_PACKAGE in the workflow to a path or a git address (or --package here)"
        )
