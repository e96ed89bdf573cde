"""Puts the steps of `convert` together: find, guess, show, read, count, ask, write."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from rerankbench import registry
from rerankbench.console import Terminal
from rerankbench.errors import UsageError
from rerankbench.files.part_files import PartFiles, RowFiles
from rerankbench.interchange.convert import counts as counting
from rerankbench.interchange.convert import preview, sources
from rerankbench.interchange.convert.columns import ColumnOptions, guess_rows
from rerankbench.interchange.convert.counts import Counts
from rerankbench.interchange.convert.from_parts import PartConverter, open_parts
from rerankbench.interchange.convert.from_rows import RowConverter
from rerankbench.interchange.convert.judged_rows import RowReader
from rerankbench.interchange.convert.labels import Labels
from rerankbench.interchange.convert.opening import open_rows
from rerankbench.interchange.convert.place import Place
from rerankbench.interchange.convert.staged import CANDIDATES, StagedCollection
from rerankbench.interchange.convert.unread_labels import refuse_unread
from rerankbench.types import Qrels

_USUAL_DEPTH = 100
"""How many candidates `run` reranks unless it is told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConvertOptions:
    """What the command line says."""

    named: sources.Named
    output: Path | None = None
    columns: ColumnOptions = field(default_factory=ColumnOptions)
    labels: Labels = field(default_factory=Labels)
    has_heading: bool = True
    quotes: bool = True
    force: bool = False
    yes: bool = False
    quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was read; the texts are in the staged folder by now."""

    counts: Counts
    split: str
    qrels: Qrels
    candidates: Mapping[str, Collection[str]] | None


def convert(options: ConvertOptions) -> None:
    """Show how files are read and what comes of it, ask, and write the collection.

    Raises InputError, UsageError or StorageError; then nothing was written.
    """
    terminal = Terminal(verbosity=-1 if options.quiet else 0)
    source = sources.find(options.named)
    paths = (*options.named.paths, *_files(source))
    place = Place(options.output or _default(paths[0]), paths, force=options.force)
    with place.staged() as folder:
        with StagedCollection(folder) as staged:
            if isinstance(source, RowFiles):
                converted = _convert_rows(source, options, staged, terminal)
            else:
                converted = _convert_parts(source, options, staged, terminal)
            staged.finish(converted.split, converted.qrels, converted.candidates)
        _show_counts(converted, terminal)
        if not options.yes:
            _confirm(place.folder)
        place.put(folder)
    _say_next(place.folder, converted, terminal)


def _files(source: RowFiles | PartFiles) -> tuple[Path, ...]:
    if isinstance(source, RowFiles):
        return source.paths
    return (*source.corpus, *source.queries, *source.qrels, *source.candidates)


def _default(source: Path) -> Path:
    """In the working folder, called as the source is; a folder's name may be taken by itself."""
    name = source.resolve().name
    if source.is_dir():
        return Path(f"{name}-collection")
    return Path(name.split(".")[0] or "collection")


def _convert_rows(
    source: RowFiles, options: ConvertOptions, staged: StagedCollection, terminal: Terminal
) -> Converted:
    tables = [
        open_rows(path, has_heading=options.has_heading, quotes=options.quotes)
        for path in source.paths
    ]
    columns = guess_rows(tables[0].columns, options.columns)
    for table in tables[1:]:
        if not columns.used() <= set(table.columns):
            raise UsageError(f"{table.path}: has other columns than {tables[0].path}")
    if columns.is_pairs and not (options.columns.label or options.columns.positive):
        unread = [name for name in tables[0].columns if name not in columns.used()]
        refuse_unread(tables[0], unread)
    readers = [RowReader(table, columns, options.labels) for table in tables]
    terminal.note(f"Rows of {_named(source.paths)}:")
    for line in preview.of_rows(tables[0], columns, readers[0]):
        terminal.note(line)
    converter = RowConverter(staged)
    for table, reader in zip(tables, readers, strict=True):
        converter.add(table, reader, terminal)
    return Converted(
        counts=converter.counts,
        split=source.split,
        qrels=converter.qrels(tables[-1]),
        candidates=converter.candidates(),
    )


def _convert_parts(
    source: PartFiles, options: ConvertOptions, staged: StagedCollection, terminal: Terminal
) -> Converted:
    parts = open_parts(source, options.columns)
    for part in parts:
        for line in preview.of_part(part):
            terminal.note(line)
    converter = PartConverter(staged, options.labels, terminal)
    qrels, candidates = converter.convert(parts)
    return Converted(
        counts=converter.counts, split=source.split, qrels=qrels, candidates=candidates
    )


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0].name}{more}"


def _show_counts(converted: Converted, terminal: Terminal) -> None:
    terminal.note("Gives:")
    lengths = [len(ids) for ids in (converted.candidates or {}).values()]
    for line in counting.lines(converted.counts, converted.qrels, lengths):
        terminal.note(f"  {line}")


def _confirm(folder: Path) -> None:
    if not sys.stdin.isatty():
        raise UsageError("there is nobody to ask; nothing was written: add --yes to write it")
    if not typer.confirm(f"Write {folder}?", default=True, err=True):
        raise UsageError("nothing was written")


def _say_next(folder: Path, converted: Converted, terminal: Terminal) -> None:
    # A name of ours would be taken for the collection of that name.
    is_ours = str(folder) in registry.names("collections")
    shown = shlex.quote(f"./{folder}" if is_ours else str(folder))
    typer.echo(str(folder))
    terminal.note("Rerank what BM25 finds in it:")
    terminal.note(f"  rerankbench run -d {shown} -m MODEL")
    if not converted.candidates:
        return
    longest = max(len(ids) for ids in converted.candidates.values())
    depth = f" -k {longest}" if longest > _USUAL_DEPTH else ""
    terminal.note("Rerank exactly the documents that were given for each query:")
    stage = shlex.quote(f"run:{folder / CANDIDATES}")
    terminal.note(f"  rerankbench run -d {shown} -m MODEL --first-stage {stage}{depth}")
