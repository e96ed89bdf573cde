"""The stopwatch of one side: a process that times a pass on request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from rerankbench.errors import RerankbenchError, UsageError
from rerankbench.gate.cells import CellName
from rerankbench.gate.remeasure import children
from rerankbench.gate.remeasure.sides import GateSide

_MODULE = "rerankbench.cli.stopwatch"
_LOG = "stopwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedPass:
    """One pass: seconds, pairs, and the peak memory in bytes where known."""

    seconds: float
    pairs: int
    host_bytes: int | None
    device_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCell:
    """A cell that the side can time: its key and its device there."""

    key: str
    device: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The stopwatch process: `ask` sends a question, `answer` reads the answer later."""

    side: GateSide
    questions: IO[str]
    answers: IO[str]

    def ask(self, **question: Any) -> None:
        """Send a question; `answer` fetches the answer."""
        try:
            self.questions.write(json.dumps(question) + "\n")
            self.questions.flush()
        except OSError:
            raise self._failure() from None

    def answer(self) -> Mapping[str, Any]:
        """The answer to the last question. Raises UsageError or InputError if there is none."""
        line = self.answers.readline()
        try:
            reply = json.loads(line)
        except ValueError:
            raise self._failure() from None
        if "error" in reply:
            raise UsageError(f"{self.side.label}: {reply['error']}")
        return reply  # type: ignore[no-any-return]

    def cells(self) -> tuple[Mapping[str, Any], dict[CellName, TimedCell]]:
        """Facts of the machine, and the cells by name: what `cells` is answered with."""
        reply = self.answer()
        cells = {
            CellName(**cell["name"]): TimedCell(key=cell["key"], device=cell["device"])
            for cell in reply["cells"]
        }
        return reply["machine"], cells

    def time(self, queries: int) -> TimedPass:
        """Time a pass over that many queries, the first of the open cell's sample."""
        self.ask(do="pass", queries=queries)
        return TimedPass(**self.answer())

    def _failure(self) -> RerankbenchError:
        log = self.side.log(_LOG)
        failed = children.failure(f"{self.side.label}: the measuring process ended", log)
        if _MODULE in str(failed):
            return UsageError(
                f"{self.side.label}: this version of rerankbench cannot be remeasured (it has no "
                f"{_MODULE}); leave out --remeasure, or name a later base"
            )
        return failed


@contextmanager
def clock(side: GateSide) -> Iterator[Clock]:
    """Start the side's stopwatch; it reads its collections at once and ends with the block."""
    command, log = side.command(_MODULE, str(side.config)), side.log(_LOG)
    with children.started(
        command, folder=side.folder, log=log, environment=side.variables, talks=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Clock(side, process.stdin, process.stdout)
