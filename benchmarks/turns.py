"""The same model three times in one process, taking turns: base, equal, and truly slower."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import common, faults
from rerankbench import environment, naming
from rerankbench.measure import FOREIGN_LOAD_LIMIT, Instruments, measure, one_pass
from rerankbench.protocols import Job, Reranker, RerankerSpec
from rerankbench.stats import ratios
from rerankbench.trec import read_run
from rerankbench.types import Candidates, Record
from tests.leaderboard.records import make_record

SLOWDOWN = 0.2
SUBJECTS = ("base", "equal", "slower")
_QUERIES = 40
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

    def __init__(self, shared: Path, model: str, documents: int, passes: int) -> None:
        """Passes are over so many documents of one query, another query each gate."""
        self._spec = RerankerSpec(model=str(shared / "models" / model), threads=_cores())
        self._factory = naming.find_factory(self._spec.model, None)
        self._lists = candidates(shared, documents)
        self._passes = passes
        self.share = SLOWDOWN
        self.load()

    def load(self) -> None:
        """Load every subject anew."""
        self._subjects = {name: self._factory.load(self._spec) for name in SUBJECTS}
        run: Any = self._subjects["slower"]
        self._slowed = run._run.engine = faults.Slowed(run._run.engine, self.share)
        self.turns(0, 2, SUBJECTS)

    def calibrate(self, clock: Callable[[], float]) -> None:
        """Have the slower one do as much twice as makes a pass a fifth longer, by that clock."""
        for _ in range(3):
            rounds = [self._round(number, clock) for number in range(40)]
            gained = ratios.paired(*zip(*rounds, strict=True)).median - 1
            self.share = min(1.0, max(0.05, self.share * SLOWDOWN / max(0.02, gained)))
            self._slowed.again = self.share

    def _round(self, number: int, clock: Callable[[], float]) -> tuple[float, float]:
        passes_s = self.turns(number, 1, ("base", "slower"), clock).passes_s
        return median(passes_s["base"][0]), median(passes_s["slower"][0])

    def turns(
        self,
        gate: int,
        rounds: int,
        names: Sequence[str],
        clock: Callable[[], float] = time.perf_counter,
    ) -> Turns:
        """All of them in turn; the order is another one each time."""
        job = Job(candidates=[self._lists[gate % len(self._lists)]])
        draw = random.Random(gate)
        found: dict[str, list[tuple[float, ...]]] = {name: [] for name in names}
        with foreign_load() as load:
            for _ in range(rounds):
                passes: dict[str, list[float]] = {name: [] for name in names}
                for _ in range(self._passes):
                    for name in draw.sample(names, len(names)):
                        passes[name].append(_pass_s(self._subjects[name], job, clock))
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


def _pass_s(reranker: Reranker, job: Job, clock: Callable[[], float]) -> float:
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
