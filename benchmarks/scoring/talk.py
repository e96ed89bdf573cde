"""How parent and children speak: a word a line to the child, a JSON object a line back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

ROOT = Path(__file__).resolve().parent.parent.parent
Message = dict[str, Any]
Answer = Callable[[], Message]


class ChildDiedError(Exception):
    """A child that ended without an answer; the message says how."""


class Child:
    """A process that waits on its stdin while it has nothing to do."""

    def __init__(self, arguments: Sequence[str], log: Path) -> None:
        """Start `python -m ARGUMENTS`; what it prints besides messages goes to the log."""
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=ROOT,
                env={**os.environ, "HF_HUB_OFFLINE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )

    def hear(self) -> Message:
        """Wait for the next message. Raises ChildDiedError."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            last = (self._log.read_text().strip().splitlines() or [""])[-1]
            how = "was killed, as when memory runs out" if code == -9 else f"ended with {code}"
            raise ChildDiedError(f"{how} ({last})" if last else how)
        message: Message = json.loads(line)
        return message

    def ask(self) -> Message:
        """Have it do its work once more. Raises ChildDiedError."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # `hear` finds out how it ended.
            self._process.stdin.write("pass\n")
            self._process.stdin.flush()
        return self.hear()

    def close(self) -> None:
        """Let it end; children end by themselves when their stdin does."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(start: Callable[[], tuple[Mapping[str, Any], Answer]]) -> None:
    """The child's side: start, say so, then answer every line until stdin ends.

    What goes wrong is answered as `failed`, with the reason in one line.
    """
    messages = _claim_stdout()
    _be_first_to_go()
    try:
        ready, answer = start()
        _send(messages, ready)
        for _ in sys.stdin:
            _send(messages, answer())
    except Exception as error:  # noqa: BLE001 - whatever a contender raises is its row's text
        _send(messages, {"failed": reason(error)})


def reason(error: Exception) -> str:
    """Why something failed, in one line."""
    if isinstance(error, ModuleNotFoundError):
        return f"install '.[bench]' ({error})"
    first = (str(error).strip().splitlines() or [""])[0]
    return first or type(error).__name__


def _be_first_to_go() -> None:
    """Where memory runs out, the system is to end a contender and no bystander (Linux)."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _claim_stdout() -> TextIO:
    """The real stdout; whatever libraries print goes to stderr from here on."""
    messages = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return messages


def _send(messages: TextIO, message: Mapping[str, Any]) -> None:
    messages.write(json.dumps(message) + "\n")
    messages.flush()
