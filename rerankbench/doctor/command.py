"""Puts the rooms together for `rerankbench doctor`, and shows what it found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rerankbench import registry
from rerankbench.console import Terminal, printable
from rerankbench.doctor import machine, model
from rerankbench.doctor.checks import Check
from rerankbench.errors import UsageError
from rerankbench.registry import naming
from rerankbench.run import config as configs
from rerankbench.run import environment, models
from rerankbench.run.config import RunConfig, threads_wanted

FAILED = 1
_FORMS = ("text", "json")
_STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "skip": "dim"}
Facts = Sequence[tuple[str, str]]


def doctor(
    name: str | None, path: Path | None, device: str, dtype: str, engine: str, *, form: str
) -> None:
    """Print facts and checks; exits with 1 where a check failed."""
    if form not in _FORMS:
        raise UsageError(f"no format '{form}'; known: {', '.join(_FORMS)}")
    here = environment.inspect()
    overrides = {"datasets": ["demo"], "device": device, "dtype": dtype, "engine": engine}
    config = configs.load(path, {**overrides, "models": None if path else [name or "bm25"]})
    if config.device == "auto":
        where = "cuda" if environment.cuda_is_likely() else "cpu"
    else:
        where = config.device
    threads = threads_wanted(here.cores)
    if name is None:
        _show(machine.facts(here, where, threads), (), form)
        return
    facts, found = _examined(name, config, where, threads)
    _show(facts, found, form)
    if any(check.outcome == "fail" for check in found):
        raise typer.Exit(FAILED)


def _examined(
    name: str, config: RunConfig, device: str, threads: int
) -> tuple[Facts, Sequence[Check]]:
    entries = [each for each in config.models if name in (each.model, each.name)]
    if not entries:
        raise UsageError(f"the config names no model '{name}'; add it to its models")
    spec = models.reranker_spec(entries[0], config, device, threads)
    factory = naming.find_factory(spec.model, spec.family)
    if not factory.scores_documents:
        raise UsageError(f"{name} reads no documents; name a model")
    terminal = Terminal()
    with terminal.task(f"loading {name}", None, ""):
        reranker = naming.load_reranker(factory, spec)
    ref = reranker.ref
    reference = registry.load("probes", "sentence-transformers")(reranker, spec)
    with terminal.task(f"checking {name}", None, ""):
        facts = [("model", ref.name), *model.facts(ref, reranker)]
        return facts, model.examine(reranker, reference)


def _show(facts: Facts, found: Sequence[Check], form: str) -> None:
    if form == "json":
        whole = {"facts": dict(facts), "checks": [asdict(check) for check in found]}
        typer.echo(json.dumps(whole, indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        # A prompt's line breaks are part of it.
        shown = value.replace("\n", "\\n")
        table.add_row(Text(printable(name), style="bold"), Text(printable(shown)))
    console.print(table)
    if not found:
        return
    console.print()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in found:
        outcome = Text(check.outcome, style=_STYLES[check.outcome])
        table.add_row(outcome, Text(check.name), Text(printable(check.detail)))
    console.print(table)
