"""Runs all contenders in turn, each in a process that lives through all rounds."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import terminal
from benchmarks.scoring import contenders, exports, pairs, quality, talk
from benchmarks.scoring.child import TUNE
from benchmarks.scoring.contenders.tokens import Tokens
from benchmarks.scoring.flops import Shape
from benchmarks.scoring.outcome import Outcome, Pass, Row
from benchmarks.scoring.pairs import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run."""

    model: Path
    names: Sequence[str]
    passes: int
    threads: int
    workload: Workload
    calibration: Sequence[tuple[str, str]]
    scratch: Path


def run(plan: Plan, *, keep: Callable[[Outcome], None]) -> Outcome:
    """Load every contender, then go round; `keep` is given what there is after each round."""
    race = _Race(plan)
    with ExitStack() as stack:
        race.start(stack)
        for number in range(plan.passes):
            race.round(number)
            keep(race.outcome)
    return race.outcome


class _Race:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.outcome = _empty_outcome(plan)
        self._limits: talk.Child | None = None
        self._children: dict[str, talk.Child] = {}
        self._scores: dict[str, list[float]] = {}
        self._pairs_file = plan.scratch / "pairs.json"
        self._calibration_file = plan.scratch / "calibration.json"
        pairs.write(self._pairs_file, plan.workload.candidates)
        self._calibration_file.write_text(json.dumps(plan.calibration))

    def start(self, stack: ExitStack) -> None:
        """Load one after the other, so that none disturbs another's loading time."""
        for name in self._plan.names:
            row = Row(name=name)
            self.outcome.rows.append(row)
            try:
                self._load(row, stack)
            except (exports.ExportError, talk.ChildDiedError) as error:
                row.failed = str(error)
            terminal.note(f"{name}: " + (row.failed or f"loaded in {row.load_s:.1f} s"))
        model, threads = str(self._plan.model), str(self._plan.threads)
        self._limits = self._child("limits", ["benchmarks.scoring.limits", model, threads], stack)
        self._limits.hear()

    def round(self, number: int) -> None:
        """One pass of each contender, then of the machine's limits."""
        for row in self.outcome.rows:
            if row.failed is None:
                self._pass(row)
                place = f"round {number + 1} of {self._plan.passes}: {row.name}"
                speed = "" if row.failed else f"{self.outcome.pairs / row.passes[-1].wall_s:.1f}"
                terminal.note(f"{place} " + (row.failed or f"{speed} docs/s"))
        assert self._limits is not None
        self.outcome.limits.append(self._limits.ask())
        self._judge()

    def _load(self, row: Row, stack: ExitStack) -> None:
        plan = self._plan
        folder = exports.folder_for(plan.model)
        kind = contenders.needed_export(row.name)
        if kind is not None:
            row.export_s = exports.make(kind, plan.model, folder, self._calibration_file)
        places = [str(plan.model), str(folder), str(self._pairs_file), str(plan.threads)]
        arguments = ["benchmarks.scoring.child", row.name, *places]
        if contenders.is_tuned(row.name):
            self._tune(row, arguments)
        if row.failed is None:
            chosen = [] if row.batch_size is None else [str(row.batch_size)]
            self._start(row, [*arguments, *chosen], stack)

    def _tune(self, row: Row, arguments: Sequence[str]) -> None:
        with ExitStack() as stack:
            child = self._child(row.name, [*arguments, TUNE], stack)
            row.failed = child.hear().get("failed")
            if row.failed is None:
                heard = child.ask()
                row.failed, row.tuning_s = heard.get("failed"), heard.get("tuning_s", {})
        if row.tuning_s:
            row.batch_size = int(min(row.tuning_s, key=lambda size: row.tuning_s[size]))

    def _start(self, row: Row, arguments: Sequence[str], stack: ExitStack) -> None:
        child = self._child(row.name, arguments, stack)
        heard = child.hear()
        row.failed = heard.get("failed")
        if row.failed is None:
            row.dtype, row.settings = heard["dtype"], heard["settings"]
            row.load_s, row.warmup_s = heard["load_s"], heard["warmup_s"]
            self._children[row.name] = child

    def _child(self, name: str, arguments: Sequence[str], stack: ExitStack) -> talk.Child:
        log = self._plan.scratch / f"{name.replace(':', '-')}.log"
        child = talk.Child(arguments, log)
        stack.callback(child.close)
        return child

    def _pass(self, row: Row) -> None:
        try:
            heard = self._children[row.name].ask()
        except talk.ChildDiedError as error:
            heard = {"failed": str(error)}
        row.failed = heard.get("failed")
        if row.failed is not None:
            return
        scores: list[float] = heard.pop("scores")
        row.passes.append(Pass(**heard))
        first = self._scores.setdefault(row.name, scores)
        row.same_scores_each_pass &= first == scores

    def _judge(self) -> None:
        workload = self._plan.workload
        dtypes = {row.name: row.dtype for row in self.outcome.rows}
        self.outcome.reference = quality.reference(self._scores, dtypes)
        for row in self.outcome.rows:
            scores = self._scores.get(row.name)
            if scores is not None and row.ndcg is None:
                row.ndcg = quality.ndcg(workload, scores)
                if self.outcome.reference:
                    row.tau = quality.tau(workload, scores, self._scores[self.outcome.reference])


def _empty_outcome(plan: Plan) -> Outcome:
    lengths = Tokens(plan.model).lengths(pairs.texts(plan.workload.candidates))
    return Outcome(
        model=plan.model.name,
        queries=len(plan.workload.candidates),
        of_queries=plan.workload.of_queries,
        pairs=len(lengths),
        tokens=sum(lengths),
        flops_per_pair=Shape.read(plan.model).mean_of(lengths),
        threads=plan.threads,
    )
