"""What `rerankbench baseline` does: reads records, compares two sets, asks before replacing."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from rerankbench.console import Terminal
from rerankbench.errors import UsageError, nearest
from rerankbench.gate.baselines.keep import FOLDER, Baselines, chosen, is_ignored
from rerankbench.gate.baselines.summary import table
from rerankbench.gate.cells import match
from rerankbench.gate.limits import Limits
from rerankbench.gate.show import formats
from rerankbench.gate.verdict import compare
from rerankbench.leaderboard.renderers import markdown
from rerankbench.results.figures import summary
from rerankbench.results.store import BASELINES, read_records
from rerankbench.types import Record

_FORMATS = ("markdown", "json")


def save(folder: Path | None, name: str, paths: Sequence[Path]) -> None:
    """Keep records under a new name."""
    path = _baselines(folder).save(name, read_records(paths))
    _say_kept(path, "saved")


def show(folder: Path | None, name: str | None, format_name: str) -> None:
    """Print one baseline, or all of them."""
    if format_name not in _FORMATS:
        raise UsageError(f"no format '{format_name}'; {nearest(format_name, _FORMATS)}")
    baselines = _baselines(folder)
    names = [name] if name is not None else baselines.names()
    baselines_by_name = {title: baselines.read(title) for title in names}
    if format_name == "json":
        body = [
            {"name": title, "records": [summary(record) for record in records]}
            for title, records in baselines_by_name.items()
        ]
        typer.echo(json.dumps(body, indent=2, ensure_ascii=True))
        return
    if not baselines_by_name:
        Terminal().note(f"no baselines in {baselines.folder}; rerankbench baseline save main")
    typer.echo(
        markdown.render([table(title, records) for title, records in baselines_by_name.items()]),
        nl=False,
    )


def promote(folder: Path | None, name: str, paths: Sequence[Path], *, yes: bool) -> None:
    """Show what would change, ask, and replace the baseline. Raises UsageError if declined."""
    baselines = _baselines(folder)
    base, new = baselines.read(name), chosen(read_records(paths))
    places = (baselines.find(name), paths[0]) if len(paths) == 1 else None
    typer.echo(_changes(base, new, places), nl=False)
    if not yes and not _agreed(f"Replace {baselines.find(name)}?"):
        raise UsageError(f"{baselines.find(name)} stays as it is; --yes replaces it")
    _say_kept(baselines.replace(name, new), "saved in its place")


def _baselines(folder: Path | None) -> Baselines:
    return Baselines(folder=folder or FOLDER)


def _changes(
    base: Sequence[Record], new: Sequence[Record], places: tuple[Path, Path] | None
) -> str:
    """The gate between both; where they share no cell, the cells that go and those that come."""
    matched = match(base, new)
    if matched.both:
        return formats.render(compare(base, new, Limits(), places=places), "text")
    gone = [f"removed: {cell}" for cell in matched.missing]
    return "\n".join([*gone, *(f"added: {cell}" for cell in matched.added)]) + "\n"


def _agreed(question: str) -> bool:
    return sys.stdin.isatty() and typer.confirm(question, err=True)


def _say_kept(path: Path, done: str) -> None:
    terminal, count = Terminal(), len(read_records([path]))
    terminal.note(f"{path}: {count} {'record' if count == 1 else 'records'} {done}; commit it")
    if is_ignored(path):
        terminal.warn(
            f"git ignores {path}: where .gitignore has `results/`, write `results/*` and "
            f"`!results/{BASELINES}/`"
        )
