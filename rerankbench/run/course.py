"""Where a run is: which cell of how many, and about how long what is left will take."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rerankbench.progress import Left, Pace, PlacedProgress, Progress
from rerankbench.run.config import SpeedConfig
from rerankbench.run.past_speed import PastSpeeds
from rerankbench.run.plan import Group, Plan, PlannedCell
from rerankbench.run.speed import LATENCY_SHARE, MOST_REQUESTS
from rerankbench.types import CandidateLists

Stage: TypeAlias = Literal["loading", "scoring", "measuring", "evaluating"]

_ENOUGH_PAIRS = 1000
"""Of so many pairs the seconds are asked for; only their relation counts."""
_WARMUP_PASSES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What every cell of a group scores."""

    pairs: int
    queries: int


def measuring_s(size: Size, docs_per_s: float, speed: SpeedConfig) -> float:
    """About how long `speed.measure` will take."""
    if not speed.enabled or not size.queries:
        return 0.0
    request_s = size.pairs / size.queries / docs_per_s
    latency_s = min(LATENCY_SHARE * speed.budget_s, min(MOST_REQUESTS, size.queries) * request_s)
    passes_s = (speed.passes + _WARMUP_PASSES) * size.pairs / docs_per_s
    return latency_s + min(speed.budget_s - latency_s, passes_s)


class Course:
    """Told by the run where it is; shows it with every task, where the progress can.

    The speed of a cell to come is that of its model in this run, else that of earlier
    records on this machine, else that of the cell that runs, by the numbers of parameters.
    """

    def __init__(self, plan: Plan, progress: Progress, speeds: Callable[[], PastSpeeds]) -> None:
        self._plan = plan
        self._progress = progress
        self._speeds = speeds
        self._past: PastSpeeds | None = None
        self._of = sum(len(group.models) for group in plan.groups)
        self._left_groups = len(plan.groups)
        self._number = 0
        self._size = Size(pairs=0, queries=0)
        self._group: Sequence[PlannedCell] = ()
        self._pending: list[PlannedCell] = []
        self._scored: Collection[str] = ()
        self._docs_per_s: dict[str, float] = {}

    @property
    def text(self) -> str:
        """Such as `cell 2 of 6`."""
        return f"cell {self._number} of {self._of}"

    @contextmanager
    def group(self, count: int) -> Iterator[None]:
        """The next group, of so many cells, whatever becomes of them."""
        before = self._number
        self._left_groups -= 1
        try:
            yield
        finally:
            self._number = before + count
            self._pending = []
            self._show(None)

    def enter(
        self,
        group: Group,
        pending: Sequence[PlannedCell],
        lists: CandidateLists,
        *,
        scored: Collection[str],
    ) -> None:
        """Begin the group's pending cells; those in `scored` lack nothing but their speed."""
        self._group, self._pending, self._scored = group.cells, list(pending), scored
        self._number += len(group.cells) - len(pending)
        pairs = sum(len(each.documents) for each in lists.candidates)
        self._size = Size(pairs=pairs, queries=len(lists.candidates))
        if not isinstance(self._progress, PlacedProgress):
            return
        for cell in group.cells:
            self._look_up(cell)

    def begin(self, cell: PlannedCell) -> None:
        """The next of the pending cells."""
        self._pending = [each for each in self._pending if each.key != cell.key]
        self._number += 1
        self.at(cell, "loading")

    def at(self, cell: PlannedCell, stage: Stage) -> None:
        """What is now done of a cell."""
        if self._number:
            self._show(CellPlace(course=self, text=self.text, cell=cell, stage=stage))

    def learn(self, cell: PlannedCell, docs_per_s: float) -> None:
        """How fast a cell's model is."""
        self._docs_per_s[cell.cell.reranker.name] = docs_per_s

    def left(self, cell: PlannedCell, stage: Stage, pace: Pace) -> Left:
        """Seconds left of that cell, and of all that come after it."""
        if stage == "scoring" and pace.per_s and cell.model.factory.scores_documents:
            self.learn(cell, pace.per_s)
        here = self._here_s(cell, stage, pace)
        later = [self._seconds(each, cell) for each in _not_joined(self._pending, cell)]
        for _ in range(self._left_groups):
            # Not read yet: as large as this one, and nothing of it finished.
            later += [self._seconds(each, cell, rough=True) for each in _not_joined(self._group)]
        known = [seconds for seconds, _ in later if seconds is not None]
        if here is None or len(known) < len(later):
            return Left(cell_s=here)
        return Left(
            cell_s=here, run_s=here + sum(known), is_rough=any(rough for _, rough in later)
        )

    def _here_s(self, cell: PlannedCell, stage: Stage, pace: Pace) -> float | None:
        if stage == "evaluating":
            return 0.0
        docs_per_s = self._docs_per_s.get(cell.cell.reranker.name)
        if docs_per_s is None or not cell.model.factory.scores_documents:
            return pace.left_s
        measuring = measuring_s(self._size, docs_per_s, self._plan.config.speed)
        if stage == "measuring":
            return max(0.0, measuring - pace.elapsed_s)
        if stage == "scoring" and pace.left_s is not None:
            return pace.left_s + measuring
        return self._scoring_s(cell, docs_per_s) + measuring

    def _seconds(
        self, cell: PlannedCell, now: PlannedCell, *, rough: bool = False
    ) -> tuple[float | None, bool]:
        """Seconds that a cell to come takes, and whether they are guessed."""
        if not cell.model.factory.scores_documents:
            return 0.0, False
        docs_per_s = self._docs_per_s.get(cell.cell.reranker.name)
        if docs_per_s is None:
            docs_per_s, rough = self._guess(cell, now), True
        if docs_per_s is None:
            return None, True
        speed = self._plan.config.speed
        return self._scoring_s(cell, docs_per_s) + measuring_s(
            self._size, docs_per_s, speed
        ), rough

    def _scoring_s(self, cell: PlannedCell, docs_per_s: float) -> float:
        return 0.0 if cell.key in self._scored else self._size.pairs / docs_per_s

    def _guess(self, cell: PlannedCell, now: PlannedCell) -> float | None:
        """From the cell that runs: twice the parameters, half the speed."""
        docs_per_s = self._docs_per_s.get(now.cell.reranker.name)
        mine, others = cell.cell.reranker.parameters, now.cell.reranker.parameters
        if docs_per_s is None or not (mine and others):
            return docs_per_s
        return docs_per_s * others / mine

    def _look_up(self, cell: PlannedCell) -> None:
        name = cell.cell.reranker.name
        if name in self._docs_per_s or not cell.model.factory.scores_documents:
            return
        if self._past is None:
            self._past = self._speeds()
        seconds = self._past.seconds(cell.cell, cell.speed_key, _ENOUGH_PAIRS, None)
        if seconds:
            self._docs_per_s[name] = _ENOUGH_PAIRS / seconds

    def _show(self, place: CellPlace | None) -> None:
        if isinstance(self._progress, PlacedProgress):
            self._progress.place(place)


def _not_joined(cells: Sequence[PlannedCell], *before: PlannedCell) -> list[PlannedCell]:
    """Those that are scored themselves, and take no other's scores as fused rows do."""
    scored = {each.scores_key for each in before}
    found = []
    for cell in cells:
        if cell.scores_key not in scored:
            found.append(cell)
        scored.add(cell.scores_key)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPlace:
    """A stage of one cell, as progress shows it."""

    course: Course
    text: str
    cell: PlannedCell
    stage: Stage

    def left(self, pace: Pace) -> Left:
        """What is left while a task goes at that pace."""
        return self.course.left(self.cell, self.stage, pace)
