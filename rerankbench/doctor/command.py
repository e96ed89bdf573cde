"""What `rerankbench doctor` does: runs the checks and shows the results."""

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
    """Print facts and checks; exit with 1 if a check failed."""
    if form not in _FORMS:
        raise UsageError(f"no format '{form}'; known: {', '.join(_FORMS)}")
    environment_now = environment.inspect()
    overrides = {"datasets": ["demo"], "device": device, "dtype": dtype, "engine": engine}
    config = configs.load(path, {**overrides, "models": None if path else [name or "bm25"]})
    if config.device == "auto":
        device_name = "cuda" if environment.cuda_is_likely() else "cpu"
    else:
        device_name = config.device
    threads = threads_wanted(environment_now.cores)
    if name is None:
        _show(machine.facts(environment_now, device_name, threads), (), form)
        return
    facts, checks = _examine(name, config, device_name, threads)
    _show(facts, checks, form)
    if any(check.outcome == "fail" for check in checks):
        raise typer.Exit(FAILED)


def _examine(
    name: str, config: RunConfig, device: str, threads: int
) -> tuple[Facts, Sequence[Check]]:
    entries = [
        model_config
        for model_config in config.models
        if name in (model_config.model, model_config.name)
    ]
    if not entries:
        raise UsageError(f"the config names no model '{name}'; add it to its models")
    spec = models.reranker_spec(entries[0], config, device, threads)
    factory = naming.find_factory(spec.model, spec.family)
    if not factory.scores_documents:
        raise UsageError(f"{name} is not a model; name one")
    terminal = Terminal()
    with terminal.task(f"loading {name}", None, ""):
        reranker = naming.load_reranker(factory, spec)
    ref = reranker.ref
    reference = registry.load("probes", "sentence-transformers")(reranker, spec)
    with terminal.task(f"checking {name}", None, ""):
        facts = [("model", ref.name), *model.facts(ref, reranker)]
        return facts, model.examine(reranker, reference)


def _show(facts: Facts, checks: Sequence[Check], form: str) -> None:
    if form == "json":
        body = {"facts": dict(facts), "checks": [asdict(check) for check in checks]}
        typer.echo(json.dumps(body, indent=1, ensure_ascii=False))
        return
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in facts:
        # A prompt's line breaks are significant.
        shown = value.replace("\n", "\\n")
        table.add_row(Text(printable(name), style="bold"), Text(printable(shown)))
    console.print(table)
    if not checks:
        return
    console.print()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        outcome = Text(check.outcome, style=_STYLES[check.outcome])
        table.add_row(outcome, Text(check.name), Text(printable(check.detail)))
    console.print(table)
