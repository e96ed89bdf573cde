"""The same model three times in one process, taking turns: base, equal, and truly slower."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks import common, faults
from rerankbench.files.trec import read_run
from rerankbench.protocols import Job, Reranker, RerankerSpec
from rerankbench.registry import naming
from rerankbench.run import environment
from rerankbench.run.speed import FOREIGN_LOAD_LIMIT, Instruments, measure, one_pass
from rerankbench.stats import ratios
from rerankbench.types import Candidates, Record
from tests.leaderboard.records import make_record

SLOWDOWN = 0.2
SUBJECTS = ("base", "equal", "slower")
_QUERIES = 40
_CALIBRATIONS = 3
_CALIBRATION_ROUNDS = 8
_SEED = 20_261_121


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """One gate's rounds: seconds of every pass, and the cores that other programs kept busy."""

    passes_s: Mapping[str, tuple[tuple[float, ...], ...]]
    foreign_load: float

    def ratios(self, name: str) -> list[float]:
        """Of each round, as the gate reads it."""
        both = zip(self.passes_s["base"], self.passes_s[name], strict=True)
        return [ratios.paired(*each).median for each in both]


class Bench:
    """The three subjects over the same candidates."""

    def __init__(self, shared: Path, model: str, documents: int, passes: int, loads: int) -> None:
        """Models can be loaded so many times: each load has a query of its own, and its passes.

        A pass is over that query and so many of its documents, a round has so many `passes`.
        """
        self._spec = RerankerSpec(model=str(shared / "models" / model), threads=_cores())
        self._factory = naming.find_factory(self._spec.model, None)
        self._lists = candidates(shared, documents)
        self._passes = passes
        self.shares = [SLOWDOWN] * loads

    def load(self, number: int) -> None:
        """Load every subject anew, for passes over the query of that number."""
        self._job = Job(candidates=[self._lists[number]])
        self._subjects = {
            name: naming.load_reranker(self._factory, self._spec) for name in SUBJECTS
        }
        run: Any = self._subjects["slower"]
        self._slowed = run._run.engine = faults.Slowed(run._run.engine, self.shares[number])
        self.turns(0, 2, SUBJECTS)

    def calibrate(self, longest_s: float) -> bool:
        """Have the slower one do as much twice as makes a pass a fifth longer: `shares`.

        Waits so long for the machine to be idle; whether it is. A query has a share of its own, as
        its documents have their lengths.
        """
        calm = wait_for_calm(longest_s)
        # Beside other programs, seconds of the processor tell better what a pass takes.
        clock = time.perf_counter if calm else time.process_time
        for number in range(len(self.shares)):
            self.load(number)
            for _ in range(_CALIBRATIONS):
                gained = max(0.02, self._slowdown(clock))
                share = min(1.0, max(0.05, self._slowed.again * SLOWDOWN / gained))
                self.shares[number] = self._slowed.again = share
        shown = ", ".join(f"{share:.0%}" for share in self.shares)
        common.terminal.note(f"the slower one does so much of its work twice: {shown}")
        return calm

    def _slowdown(self, clock: Callable[[], float]) -> float:
        passes_s = self.turns(0, _CALIBRATION_ROUNDS, ("base", "slower"), clock).passes_s
        return ratios.in_rounds(passes_s["base"], passes_s["slower"]).median - 1

    def turns(
        self,
        gate: int,
        rounds: int,
        names: Sequence[str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> Turns:
        """All of them in turn; the order is another one each time."""
        draw = random.Random(gate)
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
        with foreign_load() as load:
            for _ in range(rounds):
                passes: dict[str, list[float]] = {name: [] for name in names}
                for _ in range(self._passes):
                    for name in draw.sample(names, len(names)):
                        passes[name].append(_pass_s(self._subjects[name], self._job, clock))
                for name in names:
                    found[name].append(tuple(passes[name]))
        return Turns(
            passes_s={name: tuple(each) for name, each in found.items()}, foreign_load=load[0]
        )

    def pairs(self) -> int:
        """Of a pass."""
        return len(self._lists[0].documents)

    def record(self, name: str, budget_s: float) -> Record:
        """What `rerankbench run` would record of a subject's speed, in so many seconds."""
        instruments = Instruments(machine_busy_s=environment.machine_busy_s)
        found, _ = measure(
            self._subjects[name], self._lists, passes=3, budget_s=budget_s, instruments=instruments
        )
        return replace(make_record(), measurements=found)


def _pass_s(reranker: Reranker[Any], job: Job, clock: Callable[[], float]) -> float:
    return one_pass(reranker, job, Instruments(clock=clock)).whole_s


def _cores() -> int:
    return environment.inspect().cores


def candidates(shared: Path, documents: int) -> list[Candidates]:
    """A seeded sample of SciFact's queries with the first documents of BM25."""
    collection = naming.open_collection(str(shared / "collections" / "scifact"), "test")
    queries = {query.query_id: query for query in collection.queries()}
    found = []
    rankings = sorted(
        read_run(shared / "reference" / "scifact.bm25.top100.trec"),
        key=lambda ranking: ranking.query_id,
    )
    for ranking in random.Random(_SEED).sample(rankings, _QUERIES):
        ids = [hit.doc_id for hit in ranking.hits[:documents]]
        known = collection.lookup(ids)
        texts = tuple(known[each] for each in ids)
        found.append(Candidates(query=queries[ranking.query_id], documents=texts))
    return found


@contextmanager
def foreign_load() -> Iterator[list[float]]:
    """One number after the block: cores that other processes kept busy during it."""
    load = [0.0]
    began_s, own_s = time.perf_counter(), time.process_time()
    busy_s = environment.machine_busy_s() or 0.0
    yield load
    others_s = (environment.machine_busy_s() or 0.0) - busy_s - (time.process_time() - own_s)
    load[0] = max(0.0, others_s) / (time.perf_counter() - began_s)


def wait_for_calm(longest_s: float) -> bool:
    """Until other processes leave the machine alone for five seconds, and whether they do."""
    until_s = time.monotonic() + longest_s
    while time.monotonic() < until_s:
        with foreign_load() as load:
            time.sleep(5)
        if load[0] <= FOREIGN_LOAD_LIMIT:
            return True
        common.terminal.note(f"waiting: other programs keep {load[0]:.1f} cores busy")
    return False
