"""Kill commands at random moments, and hold what they leave to what unbroken ones leave.

`make crash` runs it; the table goes into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

# Before torch is loaded: a process whose threads run cannot be forked.
os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")

from benchmarks import common
from benchmarks.crash import dying, scenes
from benchmarks.crash.scenes import Scene

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
# How the kills are shared out; a run has most to lose.
SHARES = {
    "run": 50,
    "journal": 40,
    "index": 25,
    "baseline save": 15,
    "baseline promote": 35,
    "inject": 15,
    "report": 20,
}
QUERIES, DOCUMENTS = 8, 60


@dataclass(slots=True)
class Tally:
    """What the kills of one scene showed."""

    by_clock: int = 0
    before_change: int = 0
    too_late: int = 0
    left_by_kills: int = 0
    broken: list[str] = field(default_factory=list)
    other_results: list[str] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """All of them."""
        return self.by_clock + self.before_change

    @property
    def faults(self) -> list[str]:
        """All that should not be."""
        return [*self.broken, *self.other_results, *self.left_behind, *self.failed]


def crash(kills: int, seed: int, folder: Path, only: Sequence[str] = ()) -> dict[str, Tally]:
    """Kill commands so often, of all scenes or some; what each showed."""
    collection, model = folder / "small", folder / "tiny-bert"
    _in_a_child(_write_inputs, collection, model)
    draw = random.Random(seed)
    found = {}
    shares = {name: share for name, share in SHARES.items() if name in (only or SHARES)}
    for scene in scenes.make(folder / "before", collection, model):
        if scene.name not in shares:
            continue
        wanted = max(1, round(kills * shares[scene.name] / sum(shares.values())))
        common.terminal.note(f"{scene.name}: {wanted} kills")
        found[scene.name] = _kill(scene, wanted, draw, folder / "place")
    return found


def _write_inputs(collection: Path, model: Path) -> None:
    from tests import tiny

    tiny.write_collection(collection, queries=QUERIES, documents=DOCUMENTS, longest=20)
    tiny.build(model)


def _in_a_child(work: Callable[..., None], *arguments: Path) -> None:
    """Threads that torch starts must not run here: nothing could be forked any more."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work(*arguments)
            code = 0
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise RuntimeError(f"{work.__name__} failed")


def _kill(scene: Scene, wanted: int, draw: random.Random, place: Path) -> Tally:
    scene.prepare(place)
    old = scenes.content(place)
    whole = dying.run(scene.command, place)
    if whole.code != 0:
        raise RuntimeError(f"{scene.name}: ended with {whole.code}:\n{whole.said}")
    scene.unbroken.update(scenes.content(place))
    dying.preload(whole.modules)
    scene.prepare(place)
    whole = dying.run(scene.command, place)
    tally = Tally()
    while tally.kills < wanted:
        scene.prepare(place)
        # The clock hits long work, counting hits the short moments between two changes.
        by_clock = bool(tally.kills % 2)
        if by_clock:
            after_s = draw.uniform(0, whole.wall_s)
            ended, when = dying.run(scene.command, place, after_s=after_s), f"{after_s:.3f} s"
        else:
            number = draw.randint(1, whole.changes)
            ended = dying.run(scene.command, place, before_change=number)
            when = f"change {number} of {whole.changes}"
        if ended.code is not None:
            tally.too_late += 1
            continue
        tally.by_clock += by_clock
        tally.before_change += not by_clock
        _check(scene, place, old, f"{scene.name}, killed at {when}", tally)
    return tally


def _check(scene: Scene, place: Path, old: scenes.Content, told: str, tally: Tally) -> None:
    """Hold what a kill left, and what the next command makes of it, to the unbroken."""
    now = scenes.content(place)
    tally.left_by_kills += any(scenes.is_hidden(name) for name in now)
    tally.broken += [f"{told}: {name}" for name in scenes.broken(now, scene, old)]
    again = dying.run(scene.command, place)
    if again.code not in scene.again:
        tally.failed.append(f"{told}: the next ended with {again.code}: {again.said[-300:]}")
    after = scenes.content(place)
    tally.other_results += [f"{told}: {name}" for name in scenes.different(after, scene)]
    tally.left_behind += [f"{told}: {name}" for name in scenes.left_behind(after, scene)]


def report(found: dict[str, Tally], seed: int, command: str) -> None:
    """Write the table."""
    rows = [
        [
            name,
            f"{each.by_clock}",
            f"{each.before_change}",
            f"{each.left_by_kills}",
            *(f"{len(bad)}" for bad in (each.broken, each.failed, each.other_results)),
            f"{len(each.left_behind)}",
        ]
        for name, each in found.items()
    ]
    sums = [str(sum(int(row[column]) for row in rows)) for column in range(1, len(rows[0]))]
    heads = (
        *("killed", "by the clock", "before a change", "left something hidden", "broken files"),
        *("next run failed", "other results", "left after the next run"),
    )
    faults = sum(len(each.faults) for each in found.values())
    text = f"""# Kills at random moments

{common.table(heads, [*rows, ["all", *sums]])}

`{command}` (seed {seed}) on {datetime.now(UTC):%Y-%m-%d}. Nothing broken, lost, changed or left:
{common.verdict(faults == 0)}."""
    raw = {"seed": seed, "scenes": found}
    common.save("crash", raw, text, page=PAGE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--only", choices=SHARES, action="append", default=[])
    parser.add_argument("--no-report", action="store_true", help="Only say what was found.")
    asked = parser.parse_args(arguments)
    with common.scratch() as folder:
        found = crash(asked.kills, asked.seed, folder, asked.only)
    faults = [fault for each in found.values() for fault in each.faults]
    for fault in faults:
        common.terminal.warn(fault)
    killed = sum(each.kills for each in found.values())
    common.terminal.note(f"{killed} kills, {len(faults)} faults")
    if not asked.no_report:
        report(found, asked.seed, "make crash")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
