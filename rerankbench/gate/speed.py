"""Speed and memory before and after, on one machine with one setting only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from rerankbench.gate.cells import CellName, Change
from rerankbench.gate.limits import Limits
from rerankbench.results import derived
from rerankbench.run.speed import FOREIGN_LOAD_LIMIT
from rerankbench.stats import order, ratios
from rerankbench.stats.ratios import Ratio
from rerankbench.types import Record

Kind: TypeAlias = Literal["docs/s", "memory", "device memory"]
Outcome: TypeAlias = Literal["passed", "failed", "unclear", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remeasurement:
    """A cell measured again, base and new in turn, each round in new processes.

    `base_s` and `new_s` hold for each round the seconds of its passes over the same `pairs`; the
    i-th passes of both are neighbours in time. Memory is one peak a round, empty where
    it could not be read.
    """

    base_s: tuple[tuple[float, ...], ...]
    new_s: tuple[tuple[float, ...], ...]
    pairs: int
    base_bytes: tuple[int, ...] = ()
    new_bytes: tuple[int, ...] = ()
    base_device_bytes: tuple[int, ...] = ()
    new_device_bytes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedVerdict:
    """One cell's speed or memory: `times` is the ratio of what new and base take, 1 if equal.

    `base` and `new` are docs/s or bytes; `limit` is the largest share that may be added.
    """

    name: CellName
    kind: Kind
    limit: float
    outcome: Outcome
    why: str
    base: float | None = None
    new: float | None = None
    times: Ratio | None = None


def judge(
    changes: Sequence[Change],
    limits: Limits,
    remeasured: Mapping[CellName, Remeasurement] | None = None,
) -> tuple[SpeedVerdict, ...]:
    """Verdicts for every cell whose speed or memory both sides measured.

    A cell fails if the whole interval of its ratio is above the limit; if only the ratio is,
    it is `unclear`. Without remeasuring, base and new from different machines
    or devices are refused, and one that other programs may have slowed down is `unclear`.
    """
    verdicts: list[SpeedVerdict] = []
    for change in changes:
        timing = (remeasured or {}).get(change.name)
        if limits.slowdown is not None:
            verdicts += _speed(change, timing, limits.slowdown)
        if limits.growth is not None:
            verdicts += _memory(change, timing, limits.growth)
    return tuple(verdicts)


def _speed(change: Change, timing: Remeasurement | None, limit: float) -> Iterator[SpeedVerdict]:
    """Compares time a pair, not a pass: the two may have timed samples of different size."""
    if timing is not None:
        times = ratios.in_rounds(timing.base_s, timing.new_s)
        base, new = (
            timing.pairs / _middle_pass(passes_s) for passes_s in (timing.base_s, timing.new_s)
        )
    else:
        before, after = _times_a_pair(change.base), _times_a_pair(change.new)
        if not before or not after:
            return
        times = ratios.apart(before, after)
        base, new = 1 / order.median(before), 1 / order.median(after)
    verdict = SpeedVerdict(
        name=change.name, kind="docs/s", limit=limit, outcome="refused", why="", base=base, new=new
    )
    yield _decided(verdict, change, timing, times)


def _times_a_pair(record: Record) -> list[float]:
    throughput = record.measurements.throughput
    return [] if throughput is None else [s / throughput.pairs for s in throughput.passes_s]


def _middle_pass(rounds: Sequence[Sequence[float]]) -> float:
    return order.median([order.median(passes) for passes in rounds])


def _memory(change: Change, timing: Remeasurement | None, limit: float) -> Iterator[SpeedVerdict]:
    kinds: tuple[tuple[Kind, str], ...] = (("memory", "host"), ("device memory", "device"))
    for kind, where in kinds:
        peaks = _peaks(change, where) if timing is None else _peaks_again(timing, where)
        if peaks is not None:
            base, new, times = peaks
            verdict = SpeedVerdict(
                name=change.name,
                kind=kind,
                limit=limit,
                outcome="refused",
                why="",
                base=base,
                new=new,
            )
            yield _decided(verdict, change, timing, times)


def _peaks(change: Change, where: str) -> tuple[float, float, Ratio] | None:
    """The peaks of both records, each read once: a ratio without an interval."""
    base, new = (
        getattr(record.measurements, f"peak_{where}_bytes") for record in (change.base, change.new)
    )
    return (base, new, Ratio(median=new / base, low=None, high=None)) if base and new else None


def _peaks_again(timing: Remeasurement, where: str) -> tuple[float, float, Ratio] | None:
    base, new = (
        (timing.base_bytes, timing.new_bytes)
        if where == "host"
        else (timing.base_device_bytes, timing.new_device_bytes)
    )
    if not base:
        return None
    return order.median(base), order.median(new), ratios.paired(base, new)


def _decided(
    verdict: SpeedVerdict, change: Change, timing: Remeasurement | None, times: Ratio
) -> SpeedVerdict:
    if timing is None and derived.setting(change.base) != derived.setting(change.new):
        why = "measured on different machines or devices; use --remeasure, or --speed ignore"
        return replace(verdict, why=why)
    verdict, allowed = replace(verdict, times=times), 1 + verdict.limit
    failed = times.low is not None and times.low > allowed
    # A loaded machine is slower: that cannot prove the new version slower, nor excuse the base.
    decisive = change.new if failed else change.base
    if timing is None and verdict.kind == "docs/s" and _was_disturbed(decisive):
        return replace(verdict, outcome="unclear", why=_busy(change))
    if failed:
        why = "the whole interval is above the limit"
        return replace(verdict, outcome="failed", why=why)
    if times.median > allowed:
        doubt = "so is the noise; measure more rounds"
        if timing is None:
            apart = (
                "measured too seldom to tell" if times.low is None else "within noise and drift"
            )
            doubt = f"{apart}; use --remeasure 10"
        return replace(verdict, outcome="unclear", why=f"above the limit, but {doubt}")
    return replace(verdict, outcome="passed", why="within the limit")


def _was_disturbed(record: Record) -> bool:
    load = record.measurements.foreign_load
    return load is not None and load > FOREIGN_LOAD_LIMIT


def _busy(change: Change) -> str:
    """While which of both other programs ran, on how many cores."""
    sides = {"base": change.base, "new": change.new}
    busy = [side for side, record in sides.items() if _was_disturbed(record)]
    loads = [sides[side].measurements.foreign_load or 0.0 for side in busy]
    whom = " and ".join(f"the {side}" for side in busy)
    if change.base == change.new:
        whom = "this"
    were = "were" if len(busy) > 1 and whom != "this" else "was"
    return (
        f"the machine was busy while {whom} {were} measured (other programs kept up to "
        f"{max(loads):.1f} cores busy), so the speed cannot be compared; measure again when it is "
        "idle, or use --remeasure 10"
    )
