"""Base and new measured in turn, so that changes of the machine's load cancel out.

A round starts a new process for each side: what varies between processes, such as where memory
lies, then varies between rounds. Within a round both take turns with passes over the same pairs.
Each pass of the base has a neighbouring pass of the new one, and which comes first alternates.
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
    """The passes of a cell so far: `passes` a round and side, each over `queries` queries."""

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
    """Measure every cell that both sides can time, in rounds of about `budget_s` a cell.

    Raises UsageError if the two have no such cell in common, or run on different machines or
    devices; InputError where a side fails.
    """
    by_cell: dict[CellName, _Rounds] = {}
    began_s = now_s()
    with progress.task("measuring base and new in turn", rounds, "rounds") as advance:
        for number in range(rounds):
            with clock(base) as base_clock, clock(new) as new_clock:
                for name, keys in _shared(base_clock, new_clock).items():
                    _open(base_clock, new_clock, keys)
                    if name not in by_cell:
                        by_cell[name] = _affordable(base_clock, new_clock, budget_s)
                    _measure(base_clock, new_clock, by_cell[name], base_first=number % 2 == 0)
            advance(1)
            if number == 0:
                took_s = now_s() - began_s
                progress.note(
                    f"round 1 of {rounds} took {took_s:.0f} s; "
                    f"about {_minutes((rounds - 1) * took_s)} to go"
                )
    return dict(_comparable(by_cell, progress))


def _shared(base: Clock, new: Clock) -> Mapping[CellName, tuple[str, str]]:
    """The keys of the cells that both sides time; both read their collections at the same time."""
    for side in (base, new):
        side.ask(do="cells")
    machine, before = base.cells()
    other_machine, after = new.cells()
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
    """A remote service's speed is not a property of a version here."""
    return cell.device != derived.REMOTE


def _open(base: Clock, new: Clock, keys: tuple[str, str]) -> None:
    """Load the cell's model on both sides at once."""
    for side, key in zip((base, new), keys, strict=True):
        side.ask(do="open", key=key)
    counts = [side.answer()["queries"] for side in (base, new)]
    if not min(counts):
        raise UsageError("a cell has no candidates to rerank; leave out --remeasure")


def _affordable(base: Clock, new: Clock, budget_s: float) -> _Rounds:
    """How many queries and passes fit the budget; fewer passes if one query is too long."""
    side_s = budget_s / 2  # of a side
    share_s = side_s / (_MOST_PASSES + _WARMUPS)
    queries, pairs = 1, 0
    _slower(base, new, queries)  # The first pass of a process is slower.
    slower = _slower(base, new, queries)
    while slower.seconds < share_s / 2 and slower.pairs > pairs:
        queries, pairs = 2 * queries, slower.pairs
        slower = _slower(base, new, queries)
    fitting = max(1, int(queries * share_s / slower.seconds))
    passes = int(side_s / (slower.seconds * fitting / queries)) - _WARMUPS
    return _Rounds(fitting, max(_FEWEST_PASSES, min(_MOST_PASSES, passes)))


def _slower(base: Clock, new: Clock, queries: int) -> TimedPass:
    return max((side.time(queries) for side in (base, new)), key=lambda timed: timed.seconds)


def _measure(base_clock: Clock, new_clock: Clock, cell: _Rounds, *, base_first: bool) -> None:
    for _ in range(_WARMUPS):
        for side in (base_clock, new_clock):
            side.time(cell.queries)
    base: list[TimedPass] = []
    new: list[TimedPass] = []
    turns = [(base_clock, base), (new_clock, new)]
    if not base_first:
        turns.reverse()
    for _ in range(cell.passes):
        for side, passes in turns:
            passes.append(side.time(cell.queries))
        turns.reverse()
    cell.base.append(base)
    cell.new.append(new)


def _comparable(
    by_cell: Mapping[CellName, _Rounds], progress: Progress
) -> Iterator[tuple[CellName, Remeasurement]]:
    for name, cell in by_cell.items():
        counts = {
            timed.pairs
            for side in (cell.base, cell.new)
            for timed_pass in side
            for timed in timed_pass
        }
        if len(counts) > 1:
            progress.warn(
                f"{name}: base and new rerank different numbers of pairs "
                f"({min(counts)} and {max(counts)}); its speed is left out"
            )
            continue
        yield (
            name,
            Remeasurement(
                base_s=_seconds(cell.base),
                new_s=_seconds(cell.new),
                pairs=counts.pop(),
                **_peaks(cell, "host_bytes", "bytes"),
                **_peaks(cell, "device_bytes", "device_bytes"),
            ),
        )


def _seconds(rounds: list[list[TimedPass]]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(timed.seconds for timed in passes) for passes in rounds)


def _peaks(cell: _Rounds, fact: str, name: str) -> dict[str, tuple[int, ...]]:
    """The peak memory of each round on both sides; nothing if a pass could not measure it."""
    peaks = {}
    for side, rounds in (("base", cell.base), ("new", cell.new)):
        known = [[getattr(timed, fact) for timed in passes] for passes in rounds]
        if any(peak is None for passes in known for peak in passes):
            return {}
        peaks[f"{side}_{name}"] = tuple(max(passes) for passes in known)
    return peaks


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
