"""One trial: a folder is broken, a command reads it, and what must not happen is looked for."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from rerankbench import cli
from rerankbench.errors import RerankbenchError
from rerankbench.files.trec import read_run
from rerankbench.files.whole import read_lines
from rerankbench.results import store
from tests.fuzz.mutations import mutate_folder
from tests.fuzz.targets import Target

LONGEST_S = 10.0
LONGEST_LINE = 300


class TooLong(BaseException):
    """The command was stopped; no `except Exception` of the program may hold it up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one input led to. `faults` is empty where all is as it should be."""

    exit_code: int | None
    said: str
    changes: tuple[str, ...]
    command: tuple[str, ...]
    faults: tuple[str, ...]
    elapsed_s: float


def prepare(target: Target, folder: Path) -> Path:
    """The target's good files, made once."""
    good = folder / target.name.replace(" ", "-")
    good.mkdir(parents=True)
    with _place(good, good / "home"), contextlib.redirect_stdout(io.StringIO()):
        target.good(good)
    return good


def attempt(target: Target, good: Path, random: Random) -> Outcome:
    """Break a copy of the good files, run the command on it, and look."""
    with tempfile.TemporaryDirectory() as place:
        work = Path(place) / "work"
        shutil.copytree(good, work, symlinks=True)
        broken, arguments = target.case(random)
        changes, command = mutate_folder(random, work / broken), tuple(arguments)
        before = set(work.rglob(".*"))
        started = time.monotonic()
        with _place(work, work / "home"):
            code, said, faults = _run(command)
        elapsed_s = time.monotonic() - started
        if elapsed_s > LONGEST_S:
            faults.append(f"took {elapsed_s:.1f} s")
        faults += _said_badly(code, said)
        faults += [f"left {path.name}" for path in work.rglob(".*") if path not in before]
        faults += _hidden(work)
        faults += _written_badly(work, code)
        if target.same_ranking:
            faults += _other_ranking(work)
    return Outcome(
        exit_code=code,
        said=said,
        changes=tuple(changes),
        command=command,
        faults=tuple(faults),
        elapsed_s=elapsed_s,
    )


def _run(command: tuple[str, ...]) -> tuple[int | None, str, list[str]]:
    """Exit code, what stood on stderr, and what came out of the program that should not."""
    out, err = io.StringIO(), io.StringIO()
    code, faults = None, []
    with warnings.catch_warnings(record=True) as warned, _limited():
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", DeprecationWarning)  # Python shows users none either.
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                code = cli._run(list(command))
        except TooLong:
            faults.append(f"was stopped after {LONGEST_S:.0f} s")
        except BaseException as error:  # noqa: BLE001 - whatever escapes is what is looked for.
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{Path(where.filename).name}:{where.lineno}"
            faults.append(f"traceback: {type(error).__name__}: {str(error)[:100]} ({place})")
    faults += [f"Python warning: {str(warning.message)[:100]}" for warning in warned]
    return code, err.getvalue(), faults


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def _place(folder: Path, home: Path) -> Iterator[None]:
    settings = {"RERANKBENCH_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    kept = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _said_badly(code: int | None, said: str) -> list[str]:
    lines = said.splitlines()
    faults = [f"a line of {len(line)} characters" for line in lines if len(line) > LONGEST_LINE]
    if code not in (None, 0, 1, 2, 3):
        faults.append(f"exit code {code}")
    if code == 2 and not any(line.startswith(("error: ", "Error: ")) for line in lines):
        faults.append("exit code 2 without a word")
    if "this is a fault of rerankbench" in said:
        faults.append(f"an error that nobody foresaw: {lines[-1][:200]}")
    if "Traceback" in said:
        faults.append("a traceback on stderr")
    return faults


def _hidden(work: Path) -> list[str]:
    """Tracebacks that the program kept for the user: a fault unless the error was expected."""
    faults = []
    for path in (work / "home").rglob("error.txt"):
        last = path.read_text().strip().splitlines()[-1]
        if not last.startswith("rerankbench.errors."):
            faults.append(f"traceback kept: {last[:120]}")
    return faults


def _written_badly(work: Path, code: int | None) -> list[str]:
    faults = []
    for path in work.glob("out/**/records/*.json"):
        try:
            store.read_record(path)
        except RerankbenchError as error:
            faults.append(f"a record that cannot be read: {error}")
    runs = [*work.glob("out/**/*.trec*"), *work.glob("out*.trec")]
    for path in runs:
        if not list(read_lines(path)):
            continue  # No query has a result: there is no other way to write that.
        try:
            read_run(path)
        except RerankbenchError as error:
            faults.append(f"a run that cannot be read: {error}")
    if code not in (0, None) and (work / "out.trec").exists():
        faults.append("out.trec was written by a command that failed")
    return faults


def _other_ranking(work: Path) -> list[str]:
    out = work / "out.trec"
    if out.exists() and out.read_bytes() != (work / "right.trec").read_bytes():
        return ["the ranking is another than that of an unbroken run"]
    return []
