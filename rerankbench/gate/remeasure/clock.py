"""The stopwatch of one side: a process that times a pass whenever it is asked to."""

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
    """One pass: its seconds, the pairs in it, and the most memory held in bytes where known."""

    seconds: float
    pairs: int
    host_bytes: int | None
    device_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedCell:
    """A cell that the side can time: its key there, and what it runs on."""

    key: str
    device: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Questions to the process, and its answers. `tell` may come well before `hear`."""

    side: GateSide
    questions: IO[str]
    answers: IO[str]

    def tell(self, **question: Any) -> None:
        """Ask something; the answer is fetched by `hear`."""
        try:
            self.questions.write(json.dumps(question) + "\n")
            self.questions.flush()
        except OSError:
            raise self._failure() from None

    def hear(self) -> Mapping[str, Any]:
        """The answer to the question before. Raises UsageError or InputError for none."""
        line = self.answers.readline()
        try:
            answer = json.loads(line)
        except ValueError:
            raise self._failure() from None
        if "error" in answer:
            raise UsageError(f"{self.side.label}: {answer['error']}")
        return answer  # type: ignore[no-any-return]

    def cells(self) -> tuple[Mapping[str, Any], dict[CellName, TimedCell]]:
        """Facts of the machine, and the cells by name: the answer to `cells`."""
        answer = self.hear()
        found = {
            CellName(**cell["name"]): TimedCell(key=cell["key"], device=cell["device"])
            for cell in answer["cells"]
        }
        return answer["machine"], found

    def time(self, queries: int) -> TimedPass:
        """Time a pass over the first so many queries of the open cell's sample."""
        self.tell(do="pass", queries=queries)
        return TimedPass(**self.hear())

    def _failure(self) -> RerankbenchError:
        log = self.side.log(_LOG)
        failed = children.failure(f"{self.side.label}: the measuring process ended", log)
        if _MODULE in str(failed):
            return UsageError(
                f"{self.side.label}: this rerankbench is too old to be remeasured (it has no "
                f"{_MODULE}); leave out --remeasure, or take a later base"
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
