"""Speed, measured as MLPerf Inference defines its offline and single-stream scenarios.

Offline: all pairs of a seeded sample of queries are known at once; the clock covers tokenising,
batching, the forward pass and the scores' return to the host. Single stream: one query with its
documents at a time. Loading the model and retrieving candidates are never timed. The clock and the
machine's counters are passed in, so that tests can fake them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from rerankbench.protocols import Job, Reranker
from rerankbench.types import Candidates, Latency, Measurements, Throughput

SAMPLE_SEED = 20_240_229
# Two warm-up passes agree when they differ by less than this share of the faster one.
AGREEMENT = 0.05
MOST_WARMUP_PASSES = 6
# Latency gets this share of the budget, the offline passes the rest.
LATENCY_SHARE = 0.3
MOST_REQUESTS = 200
FEWEST_REQUESTS = 5
# Other processes that keep more than this share of a core busy disturb the clock.
FOREIGN_LOAD_LIMIT = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """The clocks and counters of a measurement, in seconds, joules or bytes; None if unknown."""

    clock: Callable[[], float] = time.perf_counter
    own_cpu_s: Callable[[], float] = time.process_time
    machine_busy_s: Callable[[], float | None] = lambda: None
    energy_j: Callable[[], float | None] = lambda: None
    reset_peak_memory: Callable[[], bool] = lambda: False
    peak_memory_bytes: Callable[[], int | None] = lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """One pass over a job: wall seconds in total and of the model alone, and what was processed.

    Neither includes `lost_s`, the wall seconds of a service's failed attempts.
    """

    whole_s: float
    model_s: float
    tokens: int
    padded_tokens: int
    truncated_pairs: int
    energy_j: float | None
    searches: float = 0.0
    lost_s: float = 0.0
    failed_attempts_s: tuple[float, ...] = ()


Pass = Callable[[Sequence[Candidates]], PassResult]


def measure(
    reranker: Reranker[Any],
    candidates: Sequence[Candidates],
    *,
    passes: int,
    budget_s: float,
    instruments: Instruments,
) -> tuple[Measurements, list[str]]:
    """Latency and throughput of a loaded reranker on a seeded sample, within about `budget_s`.

    The sample is cut to the budget, never the number of passes. Returns the raw values and
    warnings for the reader.
    """
    sample = seeded_order([entry for entry in candidates if entry.documents])
    if not sample:
        return Measurements(), ["speed was not measured: no query has candidates"]
    memory_is_fresh = instruments.reset_peak_memory()
    began_s, own_s = instruments.clock(), instruments.own_cpu_s()
    busy_s = instruments.machine_busy_s()
    failed_s: list[float] = []

    def run(chosen: Sequence[Candidates]) -> PassResult:
        result = one_pass(reranker, Job(candidates=chosen), instruments)
        failed_s.extend(result.failed_attempts_s)
        return result

    latency = _latency(run, sample, budget_s * LATENCY_SHARE)
    pair_s = sum(latency.requests_s) / sum(latency.pairs_per_request)
    left_s = budget_s - (instruments.clock() - began_s)
    throughput, warnings = _throughput(run, sample, passes, left_s, pair_s)
    if failed_s:
        warnings.append(
            f"failed attempts ({len(failed_s)}) took {sum(failed_s):.1f} s while speed was "
            "measured; they do not count in it"
        )
    load = _foreign_load(began_s, own_s, busy_s, instruments)
    if load is not None and load > FOREIGN_LOAD_LIMIT:
        warnings.append(f"measured while other processes kept {load:.1f} cores busy")
    measurements = Measurements(
        throughput=throughput,
        latency=latency,
        peak_host_bytes=instruments.peak_memory_bytes() if memory_is_fresh else None,
        peak_device_bytes=reranker.peak_device_bytes(),
        attention_kernel=reranker.attention_kernel,
        foreign_load=load,
        failed_attempts_s=tuple(failed_s),
    )
    return measurements, warnings


def seeded_order(candidates: Sequence[Candidates]) -> list[Candidates]:
    """The candidates in an order that depends only on their query ids and the seed."""
    ordered = sorted(candidates, key=lambda entry: entry.query.query_id)
    random.Random(SAMPLE_SEED).shuffle(ordered)
    return ordered


def one_pass(reranker: Reranker[Any], job: Job, instruments: Instruments) -> PassResult:
    """Prepare and score a job once, with nothing kept from earlier passes."""
    before_j = instruments.energy_j()
    start_s = instruments.clock()
    prepared = reranker.prepare(job)
    prepared_s = instruments.clock()
    batches = list(reranker.score(prepared))
    end_s = instruments.clock()
    after_j = instruments.energy_j()
    lost_s = sum(batch.lost_s for batch in batches)
    return PassResult(
        whole_s=end_s - start_s - lost_s,
        model_s=end_s - prepared_s - lost_s,
        tokens=sum(batch.tokens for batch in batches),
        padded_tokens=sum(batch.padded_tokens for batch in batches),
        truncated_pairs=sum(batch.truncated_pairs for batch in batches),
        energy_j=_counted(before_j, after_j),
        searches=sum(batch.searches for batch in batches),
        lost_s=lost_s,
        failed_attempts_s=tuple(chain.from_iterable(batch.failed_attempts_s for batch in batches)),
    )


def _counted(before_j: float | None, after_j: float | None) -> float | None:
    """The difference of a counter; None if it is unreadable or was reset in between."""
    if before_j is None or after_j is None or after_j < before_j:
        return None
    return after_j - before_j


def _latency(run: Pass, sample: Sequence[Candidates], share_s: float) -> Latency:
    """Time single requests until the share is used, the sample ends, or there are enough."""
    run(sample[:1])
    requests: list[float] = []
    pairs: list[int] = []
    used_s = 0.0
    for candidates in sample[:MOST_REQUESTS]:
        if used_s >= share_s and len(requests) >= FEWEST_REQUESTS:
            break
        result = run([candidates])
        requests.append(result.whole_s)
        pairs.append(len(candidates.documents))
        used_s += result.whole_s + result.lost_s
    return Latency(requests_s=tuple(requests), pairs_per_request=tuple(pairs))


def _throughput(
    run: Pass, sample: Sequence[Candidates], passes: int, left_s: float, pair_s: float
) -> tuple[Throughput, list[str]]:
    warnings: list[str] = []
    # At least two warm-up passes; one in reserve for a machine that settles slowly.
    affordable_pairs = left_s / (passes + 3) / pair_s
    chosen = _cut(sample, affordable_pairs)
    warmups = [run(chosen) for _ in range(2)]
    while not _agree(warmups[-2], warmups[-1]) and len(warmups) < MOST_WARMUP_PASSES:
        warmups.append(run(chosen))
    if not _agree(warmups[-2], warmups[-1]):
        warnings.append(f"speed had not settled after {len(warmups)} warm-up passes")
    timed = [run(chosen) for _ in range(passes)]
    last = timed[-1]
    throughput = Throughput(
        queries=len(chosen),
        pairs=sum(len(candidates.documents) for candidates in chosen),
        tokens=last.tokens,
        padded_tokens=last.padded_tokens,
        truncated_pairs=last.truncated_pairs,
        warmup_passes_s=tuple(warmup.whole_s for warmup in warmups),
        passes_s=tuple(timed_pass.whole_s for timed_pass in timed),
        model_passes_s=tuple(timed_pass.model_s for timed_pass in timed),
        energy_j=tuple(
            timed_pass.energy_j for timed_pass in timed if timed_pass.energy_j is not None
        ),
        searches=last.searches,
    )
    return throughput, warnings


def _cut(sample: Sequence[Candidates], pairs: float) -> Sequence[Candidates]:
    """The queries of the sample that fit into that many pairs, at least one."""
    total = 0
    for count, candidates in enumerate(sample):
        total += len(candidates.documents)
        if total > pairs:
            return sample[: max(1, count)]
    return sample


def _agree(first: PassResult, second: PassResult) -> bool:
    return abs(first.whole_s - second.whole_s) <= AGREEMENT * min(first.whole_s, second.whole_s)


def _foreign_load(
    began_s: float, own_s: float, busy_s: float | None, instruments: Instruments
) -> float | None:
    """Cores that other processes kept busy on average since `began_s`."""
    after = instruments.machine_busy_s()
    wall_s = instruments.clock() - began_s
    if busy_s is None or after is None or wall_s <= 0:
        return None
    return max(0.0, (after - busy_s) - (instruments.own_cpu_s() - own_s)) / wall_s
