"""One contender in a process of its own: loads, warms up, then one pass over all pairs a line.

With a batch size of `tune` it finds the fastest instead: in another process than the passes, since
large batches leave memory behind that the chosen ones would never have needed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.scoring import contenders, pairs, talk
from benchmarks.scoring.contenders.contract import Contender, Setup
from rerankbench.run import environment
from rerankbench.types import Candidates

TUNE = "tune"
_BATCH_SIZES = (1, 2, 4, 8, 16, 32)
_TUNING_DOCUMENTS = 50


def main(
    name: str, model: str, exports: str, pairs_file: str, threads: str, batch_size: str = ""
) -> None:
    """Serve the contender of that name."""
    setup = Setup(model=Path(model), exports=Path(exports), threads=int(threads))
    candidates = pairs.read(Path(pairs_file))
    if batch_size == TUNE:
        talk.serve(lambda: _start_tuning(contenders.build(name, setup), candidates))
    else:
        talk.serve(lambda: _start(name, setup, candidates, batch_size))


def _start(
    name: str, setup: Setup, candidates: Sequence[Candidates], batch_size: str
) -> tuple[dict[str, Any], talk.Answer]:
    began = time.perf_counter()
    contender = contenders.build(name, setup)
    loaded = time.perf_counter()
    if batch_size:
        contender.batch_size = int(batch_size)
    contender.score(candidates[:1])
    ready = {
        "dtype": contender.dtype,
        "settings": contender.settings,
        "load_s": loaded - began,
        "warmup_s": time.perf_counter() - loaded,
    }
    return ready, lambda: _one_pass(contender, candidates)


def _start_tuning(
    contender: Contender, candidates: Sequence[Candidates]
) -> tuple[dict[str, Any], talk.Answer]:
    return {}, lambda: {"tuning_s": _tune(contender, candidates[0])}


def _tune(contender: Contender, query: Candidates) -> dict[int, float]:
    """Batch size → seconds, on documents from all over a query's ranking."""
    step = max(1, len(query.documents) // _TUNING_DOCUMENTS)
    part = [Candidates(query=query.query, documents=query.documents[::step])]
    found: dict[int, float] = {}
    for contender.batch_size in _BATCH_SIZES:
        # The best of two: the first pass of a new shape prepares what the second reuses.
        found[contender.batch_size] = min(_seconds(contender, part) for _ in range(2))
    return found


def _seconds(contender: Contender, candidates: Sequence[Candidates]) -> float:
    began = time.perf_counter()
    contender.score(candidates)
    return time.perf_counter() - began


def _one_pass(contender: Contender, candidates: Sequence[Candidates]) -> dict[str, Any]:
    busy_s, own_s = environment.machine_busy_s(), time.process_time()
    began = time.perf_counter()
    scores = contender.score(candidates)
    wall_s = time.perf_counter() - began
    cpu_s = time.process_time() - own_s
    return {
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "foreign_load": _foreign_load(busy_s, cpu_s, wall_s),
        "peak_bytes": environment.peak_memory_bytes(),
        "scores": [float(score) for score in scores],
    }


def _foreign_load(busy_s: float | None, cpu_s: float, wall_s: float) -> float | None:
    """How many cores others kept busy since the machine's counter stood at `busy_s`."""
    now_s = environment.machine_busy_s()
    return None if busy_s is None or now_s is None else (now_s - busy_s - cpu_s) / wall_s


if __name__ == "__main__":
    main(*sys.argv[1:])
