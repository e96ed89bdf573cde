"""Puts the steps of `history` together: commits, records, steps, and where they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import typer

from rerankbench.console import Terminal
from rerankbench.errors import InputError, UsageError, nearest
from rerankbench.gate.baselines.keep import FOLDER
from rerankbench.gate.history import plot as plots
from rerankbench.gate.history.commits import Log, read_blobs, read_log
from rerankbench.gate.history.figure import choose
from rerankbench.gate.history.series import Moment, histories
from rerankbench.gate.history.tables import as_json, tables
from rerankbench.leaderboard.publish import readable
from rerankbench.leaderboard.renderers import renderer
from rerankbench.results.store import BASELINES, parse_record
from rerankbench.types import Record

_FORMATS = ("markdown", "csv", "json")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """What the command line says."""

    metric: str | None = None
    models: Sequence[str] = ()
    collections: Sequence[str] = ()
    format_name: str | None = None
    plot: Path | None = None


def history(given: Path, options: HistoryOptions) -> None:
    """Print one figure over the commits of a path, or of the baseline of that name.

    Raises UsageError where there is nothing to read or a name is not known.
    """
    if options.format_name not in (None, *_FORMATS):
        name = options.format_name or ""
        raise UsageError(f"no format '{name}'; {nearest(name, _FORMATS)}")
    if options.plot is not None:
        plots.check(options.plot)
    terminal = Terminal()
    path = _resolved(given)
    log = read_log(path)
    moments = _moments(log, path, terminal)
    records = [record for moment in moments for record in moment.records]
    if not records:
        raise UsageError(f"{path}: no commit of it holds a record; name a folder with records")
    figure = choose(options.metric, records)
    found = histories(moments, figure, models=options.models, collections=options.collections)
    if not found:
        raise UsageError(f"no record of these holds {figure.name}; name other ones")
    if options.plot is not None:
        plots.save(found, [moment.commit for moment in moments], figure, options.plot)
        terminal.note(f"{options.plot}: written")
    if log.is_shallow:
        terminal.warn("older commits were not fetched; git fetch --unshallow gets them")
    if options.format_name == "json":
        typer.echo(as_json(found, figure), nl=False)
        return
    render = readable if options.format_name is None else renderer(options.format_name)
    typer.echo(render(tables(found, figure)), nl=False)


def _resolved(given: Path) -> Path:
    """A path; or the baseline of that name, where nothing lies at the path."""
    is_name = len(given.parts) == 1 and not given.is_absolute()
    return FOLDER / given if is_name and not given.exists() else given


def _moments(log: Log, path: Path, terminal: Terminal) -> list[Moment]:
    """The commits with their records; what is no record is told, once for each content."""
    places: dict[str, Path] = {}
    for snapshot in log.snapshots:
        for below, blob_id in snapshot.blobs.items():
            if _is_record(below, path):
                places.setdefault(blob_id, path if below.name == path.name else path / below)
    known: dict[str, Record] = {}
    with terminal.task("reading records", len(places), "records") as advance:
        for blob_id, body in read_blobs(log.root, list(places)):
            advance(1)
            try:
                if body is None:
                    raise InputError(places[blob_id], "is not in this clone", remedy="fetch it")
                known[blob_id] = parse_record(places[blob_id], body)
            except InputError as error:
                terminal.warn(f"left out: {error} (blob {blob_id[:7]})")
    return [
        Moment(
            commit=snapshot.commit,
            records=tuple(
                known[blob_id]
                for below, blob_id in sorted(snapshot.blobs.items())
                if _is_record(below, path) and blob_id in known
            ),
        )
        for snapshot in log.snapshots
    ]


def _is_record(below: PurePosixPath, path: Path) -> bool:
    """Whether it is where records lie; baselines count only where one, or all, are named."""
    if below.suffix != ".json" or any(part.startswith(".") for part in below.parts):
        return False
    if len(below.parts) == 1:
        return path.name in (below.name, "records")
    return below.parts[-2] == "records" and below.parts[-4:-3] != (BASELINES,)
