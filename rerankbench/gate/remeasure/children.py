"""Child processes: their output goes to a log, and they end when this process does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rerankbench.errors import InputError, UsageError

# Seconds that a process has to end by itself.
PATIENCE_S = 10
# Becomes the program, after asking Linux to kill it when its parent ends for whatever reason
# (prctl(2), PR_SET_PDEATHSIG = 1); if the parent has ended already, it is too late to ask.
_TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execvp(sys.argv[2], sys.argv[2:])
"""


@contextmanager
def started(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    environment: Mapping[str, str],
    talks: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """A running program, ended when the block is left; the log holds only what it wrote.

    A program that `talks` has pipes for input and output, and only its errors in the log. Raises
    UsageError for a program that does not exist.
    """
    pipe = subprocess.PIPE if talks else None
    with log.open("wb") as written:
        try:
            process = subprocess.Popen(
                _tied(command),
                cwd=folder,
                env=dict(environment),
                stdin=pipe or subprocess.DEVNULL,
                stdout=pipe or written,
                stderr=written,
                text=True,
                # Out of reach of the terminal's Ctrl-C, which we pass on ourselves.
                start_new_session=True,
            )
        except OSError as error:
            what = f"{command[0]} cannot be run in {folder}"
            raise UsageError(f"{what} ({error.strerror}); check the path") from None
    try:
        yield process
    except BaseException:
        _end(process, patience_s=0)
        raise
    finally:
        if process.stdin is not None:
            with suppress(OSError):  # The last question may never have reached it.
                process.stdin.close()
        _end(process, patience_s=PATIENCE_S)
        if process.stdout is not None:
            process.stdout.close()


def run(command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str]) -> int:
    """Run a program to its end and return its exit code."""
    with started(command, folder=folder, log=log, environment=environment) as process:
        return process.wait()


def failure(what: str, log: Path) -> InputError:
    """An error for a program that failed: its last words, and the file that has all of them."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    output = [line for line in lines if line]
    errors = [line for line in output if "error" in line.lower()]
    last = (errors or output or ["it printed nothing"])[-1]
    return InputError(log, f"{what}: {last[:300]}", remedy="the file has its whole output")


def _tied(command: Sequence[str]) -> list[str]:
    if not sys.platform.startswith("linux"):
        return list(command)
    return [sys.executable, "-ISc", _TIED, str(os.getpid()), *command]


def _end(process: subprocess.Popen[str], *, patience_s: float) -> None:
    """Wait for a program that is about to end; then kill it with all that it started."""
    try:
        process.wait(timeout=patience_s)
    except subprocess.TimeoutExpired:
        _kill(process)
        process.wait()


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    # It leads a session of its own, so its number is that of the process group.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
