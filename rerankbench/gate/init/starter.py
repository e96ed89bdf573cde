"""`init --collection`: a small collection to start from, whose files show their form."""

from __future__ import annotations

import shlex
from importlib.resources import files as package_files
from pathlib import Path

import typer

from rerankbench import registry
from rerankbench.console import Terminal
from rerankbench.errors import StorageError, UsageError
from rerankbench.files.partials import folder_beside
from rerankbench.files.whole import write_whole

PARTS = ("corpus.jsonl", "queries.jsonl", "qrels/test.tsv")


def write_starter(folder: Path) -> None:
    """Write the collection and say how to run it; all of it or nothing.

    Raises UsageError where anything is there already, StorageError where the disk refuses.
    """
    if folder.is_symlink() or (folder.exists() and not _is_empty(folder)):
        raise UsageError(f"{folder}: is there already; name another: --collection FOLDER")
    try:
        with folder_beside(folder.absolute()) as staged:
            for part in PARTS:
                (staged / part).parent.mkdir(exist_ok=True)
                write_whole(staged / part, text(part))
            staged.rename(folder)
    except OSError as error:
        problem = f"{folder}: cannot be made ({error.strerror or error})"
        raise StorageError(f"{problem}; name another folder") from None
    for part in PARTS:
        typer.echo(str(folder / part))
    # A name of ours would be taken for the collection of that name.
    named = f"./{folder}" if str(folder) in registry.names("collections") else str(folder)
    terminal = Terminal()
    terminal.note("Run it, then put your own documents, queries and judgments in their place:")
    terminal.note(f"  rerankbench run -d {shlex.quote(named)} -m bm25")


def text(part: str) -> str:
    """One of the `PARTS`, as this package holds it."""
    place = package_files("rerankbench") / "gate" / "init" / "starter_collection" / part
    return place.read_text(encoding="utf-8")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())
