"""What the cells of a run share, and the outcome of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import CellsFailedError, RerankbenchError
from rerankbench.progress import Progress
from rerankbench.results.store import Store
from rerankbench.run.course import Course
from rerankbench.run.plan import Plan
from rerankbench.run.speed import Instruments
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all cells of one run share. `fresh` ignores finished cells."""

    plan: Plan
    store: Store
    instruments: Instruments
    progress: Progress
    course: Course
    cache: Path
    fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a run: records in the plan's order, and failures."""

    records: tuple[Record, ...]
    failures: tuple[RerankbenchError, ...]

    def raise_for_failures(self) -> None:
        """Raise CellsFailedError if cells failed, or the single error that stopped everything."""
        if not self.failures:
            return
        if not self.records and len(self.failures) == 1:
            raise self.failures[0]
        count = len(self.failures)
        lines = [*map(str, self.failures), f"{count} failed; all others are recorded"]
        raise CellsFailedError("\n".join(lines))
