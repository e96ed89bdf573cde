"""What rerankbench itself costs: in a run, before a help text, and for a leaderboard.

A run is timed with a stand-in for the model: it is identified as the model is (its files are
hashed), gets the same candidates, and answers with scores made of nothing in batches of the
model's size. All the seconds of that process are rerankbench's own. The model's seconds come from
its docs/sec on a sample, or with `--full` from the whole run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.common import COMMAND, Spread
from rerankbench import registry
from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.results.store import Store, read_records
from rerankbench.types import EngineRef, Latency, Measurements, Record, RerankerRef, Throughput

MOST_SHARE = 0.03
MOST_S = 0.5  # well under a second
RECORDS, COLLECTIONS = 2000, 20
DEPTH = 100
_STANDS_FOR = "RERANKBENCH_STANDS_FOR"
_BATCH = 48  # pairs: 16,384 tokens of SciFact's usual pairs
_HELP, _LEADERBOARD = "rerankbench --help", f"rerankbench leaderboard, {RECORDS:,} records"
_LOADED = "their JSON, loaded"
_NOTHING = (sys.executable, "-c", "pass")
_LOADS = "import json,pathlib,sys\nfor p in pathlib.Path(sys.argv[1]).glob('*.json'): "
_JSON = (sys.executable, "-c", _LOADS + "json.loads(p.read_bytes())")


@dataclass(slots=True)
class StandIn:
    """A reranker in the model's place that reads no text; factory, loadable and loaded in one."""

    ref: RerankerRef | None = None
    engine: EngineRef | None = None
    model: Any = None
    attention_kernel: str | None = None
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> StandIn:
        """As the model itself is identified."""
        factory = registry.load("rerankers", "sequence-classification")
        self.model = factory.identify(replace(spec, model=os.environ[_STANDS_FOR]))
        self.ref = self.model.ref
        return self

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """The model's own."""
        choice: EngineChoice = self.model.choose_engine(pairs)
        return choice

    def load(self, engine: EngineRef) -> StandIn:
        """There is nothing to load."""
        self.engine = engine
        return self

    def prepare(self, job: Job) -> Job:
        """There is nothing to prepare."""
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        """Distinct scores of as many digits as a model's."""
        total = sum(len(each.documents) for each in prepared.candidates)
        pairs = [pair for pair in range(total) if pair not in prepared.done]
        for start in range(0, len(pairs), _BATCH):
            batch = pairs[start : start + _BATCH]
            yield ScoredBatch(pairs=batch, scores=[pair * 7919 % 10007 / 9973 for pair in batch])

    def warnings(self) -> Sequence[str]:
        """Nothing can go wrong."""
        return ()

    def peak_device_bytes(self) -> int | None:
        """No device is used."""
        return None


STAND_IN = StandIn()


def install(folder: Path) -> str:
    """Make a package of one entry point, `stand-in`; returns the PYTHONPATH that finds it."""
    about = folder / "stand_in-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
    entry = "[rerankbench.rerankers]\nstand-in = benchmarks.overhead:STAND_IN\n"
    (about / "entry_points.txt").write_text(entry)
    return os.pathsep.join((str(folder), str(Path(__file__).parent.parent)))


def own_s(shared: Path) -> float:
    """Seconds of a whole SciFact run, from its start to its end, with the stand-in."""
    with common.scratch() as place:
        return common.wall_s(
            (*_scifact(shared, place), "-m", "stand-in", "--no-speed"),
            RERANKBENCH_HOME=str(place / "home"),
            PYTHONPATH=install(place),
            **{_STANDS_FOR: str(_l6(shared))},
        )


def whole_s(shared: Path) -> float:
    """Seconds of the same run with the model."""
    with common.scratch() as place:
        command = (*_scifact(shared, place), "-m", str(_l6(shared)), "--no-speed")
        return common.wall_s(command, RERANKBENCH_HOME=str(place / "home"))


def model_docs_per_s(shared: Path, queries: int) -> float:
    """The model's speed on a sample of the queries."""
    with common.scratch() as place:
        command = (*_scifact(shared, place), "-m", str(_l6(shared)))
        limit = ("--limit-queries", str(queries))
        common.output((*command, *limit), RERANKBENCH_HOME=str(place / "home"))
        (speed,) = [
            record.measurements.throughput.docs_per_s
            for record in read_records([place / "results"])
            if record.measurements.throughput is not None
        ]
    return speed


def _scifact(shared: Path, place: Path) -> tuple[str, ...]:
    run = f"run:{shared / 'reference' / 'scifact.bm25.top100.trec'}"
    collection = str(shared / "collections" / "scifact")
    job = (COMMAND, "run", "-q", "-d", collection, "--first-stage", run, "-k", str(DEPTH))
    return (*job, "-o", str(place / "results"), "--device", "cpu")


def _l6(shared: Path) -> Path:
    return shared / "models" / "minilm-l6-ce"


def write_records(results: Path) -> Path:
    """Many models on many collections, made from one record of the demo; where they lie."""
    command = (COMMAND, "run", "-q", "-d", "demo", "-m", "random", "--no-speed")
    with common.scratch() as place:
        common.output((*command, "-o", str(place)), RERANKBENCH_HOME=str(place / "home"))
        made = read_records([place])
    first, model = sorted(made, key=lambda record: record.cell.reranker.name)
    store = Store(results=results, suite="made")
    for number in range(RECORDS):
        place_in_table, collection = divmod(number, COLLECTIONS)
        record = model if place_in_table else first
        path = store.write_record(_variant(record, f"model-{place_in_table}", f"set-{collection}"))
    return path.parent


def _variant(record: Record, name: str, collection: str) -> Record:
    cell, reranker = record.cell, record.cell.reranker
    measured = Measurements()
    if reranker.name == "random":
        reranker = replace(reranker, name=name, family="sequence-classification", parameters=10**6)
        measured = _MEASURED
    there = replace(cell.collection, name=collection, source=collection)
    key = f"{collection}/{name}"
    cell = replace(cell, collection=there, reranker=reranker)
    return replace(record, quality_key=key, speed_key="made", cell=cell, measurements=measured)


_MEASURED = Measurements(
    throughput=Throughput(
        queries=80,
        pairs=8000,
        tokens=10**6,
        padded_tokens=10**6,
        truncated_pairs=0,
        warmup_passes_s=(8.25, 8.125),
        passes_s=(8.0, 8.0625, 8.125),
    ),
    latency=Latency(requests_s=(0.125,) * 80, pairs_per_request=(100,) * 80),
)


def in_a_run(shared: Path, repetitions: int, sample: int, *, full: bool) -> dict[str, Any]:
    """Our own seconds of a SciFact run, the model's, and the share."""
    ours = common.interleaved({"stand-in": partial(own_s, shared)}, repetitions)["stand-in"]
    if full:
        model_s, how = whole_s(shared) - Spread.of(ours).median, "the whole run"
    else:
        run = shared / "reference" / "scifact.bm25.top100.trec"
        speed = model_docs_per_s(shared, sample)
        model_s = len(run.read_text().splitlines()) / speed
        how = f"{speed:.1f} docs/s on {sample} queries"
    shares = [own / (own + model_s) for own in ours]
    return {"own_s": ours, "model_s": model_s, "how": how, "share": Spread.of(shares)}


def report(times: dict[str, list[float]], megabytes: float, run: dict[str, Any] | None) -> None:
    """Write what was found."""
    nothing, loaded = times["python -c pass"], times[_LOADED]
    rows = [
        (name, Spread.of(each).show(), common.ratios(each, nothing).show(".1f"))
        for name, each in times.items()
    ]
    beside = common.ratios(times[_LEADERBOARD], loaded)
    holds = {name: Spread.of(times[name]).median < MOST_S for name in (_HELP, _LEADERBOARD)}
    lines = [
        "# Overhead",
        common.table(("process", "seconds", "by `pass`"), rows),
        f"Medians of interleaved runs, the range in parentheses. The records hold "
        f"{megabytes:.0f} MB; their leaderboard takes {beside.show()} times as long as loading "
        "them with `json` alone.",
        *(f"`{name}` under {MOST_S} s: {common.verdict(held)}." for name, held in holds.items()),
    ]
    if run:
        holds["run"] = run["share"].median < MOST_SHARE
        lines.append(
            f"A run on SciFact (300 queries, {DEPTH} documents each, first stage from a file) "
            f"takes {Spread.of(run['own_s']).show()} s with nothing in the model's place, and "
            f"minilm-l6-ce takes {run['model_s']:.0f} s ({run['how']}): rerankbench's own share "
            f"is {run['share'].show('.2%')}. Under {MOST_SHARE:.0%}: "
            f"{common.verdict(holds['run'])}."
        )
    raw = {"times_s": times, "leaderboard_by_json": beside, "run": run, "holds": holds}
    common.save("overhead", raw, "\n\n".join(lines))


def main() -> None:
    """Measure, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--sample", type=int, default=5, metavar="QUERIES")
    parser.add_argument("--full", action="store_true", help="run the model on all queries")
    options = parser.parse_args()
    with common.scratch() as place:
        records = write_records(place)
        commands = {
            _HELP: (COMMAND, "--help"),
            _LEADERBOARD: (COMMAND, "leaderboard", str(records)),
            _LOADED: (*_JSON, str(records)),
            "python -c pass": _NOTHING,
        }
        runs = {name: partial(common.wall_s, command) for name, command in commands.items()}
        times = common.interleaved(runs, options.repetitions)
        megabytes = sum(path.stat().st_size for path in records.iterdir()) / 1e6
    shared = common.shared()
    run = None
    if shared:
        run = in_a_run(shared, options.repetitions, options.sample, full=options.full)
    report(times, megabytes, run)


if __name__ == "__main__":
    main()
