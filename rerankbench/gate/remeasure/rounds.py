"""Base and new measured in turn, so that what the machine does meanwhile cancels.

A round starts a new process for each side: what a process has by luck, such as where its memory
lies, is another in every round. Within a round the two are asked for one pass after the other over
the same pairs. Each pass of the one is neighbour of a pass of the other, and which of them comes
first alternates.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from rerankbench.errors import UsageError
from rerankbench.gate.cells import CellName
from rerankbench.gate.remeasure.clock import Clock, TimedCell, TimedPass, clock
from rerankbench.gate.remeasure.sides import GateSide
from rerankbench.gate.speed import Remeasurement
from rerankbench.progress import Progress
from rerankbench.results import derived

# Passes of each side in a round: many short ones, because a machine's load changes within seconds.
# Where a pass over one query is long already, there are fewer.
_MOST_PASSES = 16
_FEWEST_PASSES = 4
_WARMUPS = 2


@dataclass(frozen=True, slots=True)
class _Rounds:
    """What was measured of a cell so far, in so many passes over so many queries each."""

    queries: int
    passes: int
    base: list[list[TimedPass]] = field(default_factory=list)
    new: list[list[TimedPass]] = field(default_factory=list)


def remeasure(
    base: GateSide,
    new: GateSide,
    *,
    rounds: int,
    budget_s: float,
    progress: Progress,
    now_s: Callable[[], float] = time.monotonic,
) -> dict[CellName, Remeasurement]:
    """Measure every cell that both sides time, in rounds of about `budget_s` a cell.

    Raises UsageError where the two have no such cell in common, or ran on different machines or
    devices; InputError where a side fails.
    """
    found: dict[CellName, _Rounds] = {}
    began_s = now_s()
    with progress.task("measuring base and new in turn", rounds, "rounds") as advance:
        for number in range(rounds):
            with clock(base) as one, clock(new) as other:
                for name, keys in _shared(one, other).items():
                    _open(one, other, keys)
                    if name not in found:
                        found[name] = _affordable(one, other, budget_s)
                    _measure(one, other, found[name], base_first=number % 2 == 0)
            advance(1)
            if number == 0:
                took_s = now_s() - began_s
                progress.note(
                    f"round 1 of {rounds} took {took_s:.0f} s; "
                    f"about {_minutes((rounds - 1) * took_s)} to go"
                )
    return dict(_comparable(found, progress))


def _shared(one: Clock, other: Clock) -> Mapping[CellName, tuple[str, str]]:
    """The keys of the cells that both time; they read their collections side by side."""
    for each in (one, other):
        each.tell(do="cells")
    machine, before = one.cells()
    other_machine, after = other.cells()
    if machine != other_machine:
        facts = ", ".join(fact for fact in machine if machine[fact] != other_machine.get(fact))
        raise UsageError(f"base and new see different machines ({facts}): not comparable")
    names = [name for name in before if name in after and _is_timed(before[name])]
    if not names:
        raise UsageError(
            "base and new have no local model in common to time; leave out --remeasure"
        )
    for name in names:
        if before[name].device != after[name].device:
            raise UsageError(
                f"{name}: base runs on {before[name].device}, new on {after[name].device}; "
                "name one device in the config"
            )
    return {name: (before[name].key, after[name].key) for name in names}


def _is_timed(cell: TimedCell) -> bool:
    """A service's speed is not that of a version here."""
    return cell.device != derived.REMOTE


def _open(one: Clock, other: Clock, keys: tuple[str, str]) -> None:
    """Load the cell's model on both sides at once."""
    for each, key in zip((one, other), keys, strict=True):
        each.tell(do="open", key=key)
    counts = [each.hear()["queries"] for each in (one, other)]
    if not min(counts):
        raise UsageError("a cell has no candidates to rerank; leave out --remeasure")


def _affordable(one: Clock, other: Clock, budget_s: float) -> _Rounds:
    """As many queries as fit into the budget with all passes; fewer passes where not even one."""
    each_s = budget_s / 2  # of a side
    share_s = each_s / (_MOST_PASSES + _WARMUPS)
    queries, pairs = 1, 0
    _slower(one, other, queries)  # The first pass of a process is none to go by.
    slower = _slower(one, other, queries)
    while slower.seconds < share_s / 2 and slower.pairs > pairs:
        queries, pairs = 2 * queries, slower.pairs
        slower = _slower(one, other, queries)
    fitting = max(1, int(queries * share_s / slower.seconds))
    passes = int(each_s / (slower.seconds * fitting / queries)) - _WARMUPS
    return _Rounds(fitting, max(_FEWEST_PASSES, min(_MOST_PASSES, passes)))


def _slower(one: Clock, other: Clock, queries: int) -> TimedPass:
    return max((each.time(queries) for each in (one, other)), key=lambda timed: timed.seconds)


def _measure(one: Clock, other: Clock, found: _Rounds, *, base_first: bool) -> None:
    for _ in range(_WARMUPS):
        for each in (one, other):
            each.time(found.queries)
    base: list[TimedPass] = []
    new: list[TimedPass] = []
    turns = [(one, base), (other, new)]
    if not base_first:
        turns.reverse()
    for _ in range(found.passes):
        for each, passes in turns:
            passes.append(each.time(found.queries))
        turns.reverse()
    found.base.append(base)
    found.new.append(new)


def _comparable(
    found: Mapping[CellName, _Rounds], progress: Progress
) -> Iterator[tuple[CellName, Remeasurement]]:
    for name, each in found.items():
        counts = {timed.pairs for side in (each.base, each.new) for one in side for timed in one}
        if len(counts) > 1:
            progress.warn(
                f"{name}: base and new rerank different numbers of pairs "
                f"({min(counts)} and {max(counts)}); its speed is left out"
            )
            continue
        yield (
            name,
            Remeasurement(
                base_s=_seconds(each.base),
                new_s=_seconds(each.new),
                pairs=counts.pop(),
                **_peaks(each, "host_bytes", "bytes"),
                **_peaks(each, "device_bytes", "device_bytes"),
            ),
        )


def _seconds(rounds: list[list[TimedPass]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(timed.seconds for timed in passes) for passes in rounds)


def _peaks(found: _Rounds, fact: str, name: str) -> dict[str, tuple[int, ...]]:
    """The most memory of each round, of both sides; nothing where a pass could not tell."""
    peaks = {}
    for side, rounds in (("base", found.base), ("new", found.new)):
        known = [[getattr(timed, fact) for timed in passes] for passes in rounds]
        if any(peak is None for passes in known for peak in passes):
            return {}
        peaks[f"{side}_{name}"] = tuple(max(passes) for passes in known)
    return peaks


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
