"""One command of rerankbench in a forked child that is killed: by the clock, or before a change.

Forks of one process that has all packages loaded start in milliseconds. The child runs the very
command line; what kills it is SIGKILL, so that nothing of it tidies up.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rerankbench import cli
from rerankbench.protocols import ScoredBatch
from rerankbench.run.journal import Journal

# What Python announces before it changes the disk; what is half written then shows at the next.
_CHANGES = {"os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "fcntl.flock"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended: no code where it was killed; else what it changed and imported."""

    code: int | None
    changes: int
    modules: tuple[str, ...]
    wall_s: float
    said: str


def run(
    arguments: Sequence[str],
    place: Path,
    *,
    before_change: int | None = None,
    after_s: float | None = None,
) -> Ended:
    """Run a command inside `place`, with `place / "home"` for its caches; kill it where asked."""
    log, told = place.with_suffix(".log"), place.with_suffix(".json")
    began_s = time.perf_counter()
    child = os.fork()
    if child == 0:
        _be_the_command(arguments, place, log, told, before_change)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    wall_s = time.perf_counter() - began_s
    code = os.waitstatus_to_exitcode(status)
    killed = code == -signal.SIGKILL
    found: dict[str, Any] = {} if killed else json.loads(told.read_bytes())
    return Ended(
        code=None if killed else code,
        changes=found.get("changes", 0),
        modules=tuple(found.get("modules", ())),
        wall_s=wall_s,
        said=log.read_text(errors="replace") if log.exists() else "",
    )


def preload(modules: Sequence[str]) -> None:
    """Import what a command imported, so that the next ones need not."""
    for name in modules:
        # Some modules exist only once others have made them.
        with suppress(Exception):
            importlib.import_module(name)


def _be_the_command(
    arguments: Sequence[str], place: Path, log: Path, told: Path, before_change: int | None
) -> None:
    """Become the command line, and end the process with it."""
    code = 70
    try:
        os.chdir(place)
        os.environ["RERANKBENCH_HOME"] = str(place / "home")
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        changes = _Changes(before_change)
        sys.addaudithook(changes.announced)
        changes.count_journal_lines()
        sys.argv = ["rerankbench", *arguments]
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        sys.stdout.flush()
        sys.stderr.flush()
        # Counted before this file, which is none of the command's.
        found = {"changes": changes.count, "modules": sorted(sys.modules)}
        told.write_text(json.dumps(found))
    finally:
        os._exit(code)


class _Changes:
    """Counts what changes the disk, and kills its own process before a change of that number."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self._last = last

    def announced(self, event: str, arguments: tuple[object, ...]) -> None:
        """Called by Python for everything that it does."""
        if event in _CHANGES or (event == "open" and _is_write(arguments)):
            self._one_more()

    def count_journal_lines(self) -> None:
        """A journal stays open while it grows: of its last line one half gets written."""
        line_of = Journal._line

        def line(journal: Journal, batch: ScoredBatch) -> str:
            text = line_of(journal, batch)
            if self.count + 1 == self._last and journal._handle is not None:
                journal._handle.write(text[: len(text) // 2])
                journal._handle.flush()
            self._one_more()
            return text

        setattr(Journal, "_line", line)  # noqa: B010 - it is a method of another module

    def _one_more(self) -> None:
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)


def _is_write(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & _WRITES)
