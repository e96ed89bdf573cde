"""`make fuzz`: many broken inputs, counted by kind, with a table for docs/reliability.md.

Inputs run in child processes, so that one that ends or hangs its process is one fault of many.
"""

from __future__ import annotations

import argparse
import json
import selectors
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.trial import LONGEST_S, attempt, prepare

_SILENCE_S = 3 * LONGEST_S
"""Without a word for so long, a child hangs where no signal of its own reaches it."""
_PREPARING_S = 120.0


@dataclass(slots=True)
class Tally:
    """What became of the inputs of one target."""

    inputs: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


def main() -> int:
    """Run all; 0 where no fault was found, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first input")
    parser.add_argument("--only", help="one target's name")
    parser.add_argument(
        "--child", nargs=2, type=int, metavar=("FROM", "TO"), help=argparse.SUPPRESS
    )
    given = parser.parse_args()
    targets = [target for target in TARGETS if given.only in (None, target.name)]
    if given.child:
        (target,) = targets
        return _child(target, *given.child)
    each = -(-given.inputs // len(targets))
    tallies = {target.name: _sweep(target, given.seed, each) for target in targets}
    sys.stdout.write(_table(tallies, given.seed) + "\n")
    return int(any(tally.faults for tally in tallies.values()))


def _child(target: Target, first: int, last: int) -> int:
    """Try the seeds of a range, saying each before and after."""
    with tempfile.TemporaryDirectory() as place:
        good = prepare(target, Path(place))
        for seed in range(first, last):
            _say({"begin": seed})
            outcome = attempt(target, good, Random(f"{target.name} {seed}"))
            faults = [
                f"seed {seed}: {fault} [{' '.join(outcome.command)}] {'; '.join(outcome.changes)}"
                for fault in outcome.faults
            ]
            elapsed_s, code = outcome.elapsed_s, str(outcome.exit_code)
            _say({"end": seed, "code": code, "elapsed_s": elapsed_s, "faults": faults})
    return 0


def _say(entry: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()


def _sweep(target: Target, first: int, count: int) -> Tally:
    """All inputs of a target; where a child ends early, another goes on behind it."""
    tally, begun = Tally(), first
    while tally.inputs < count:
        begun = _follow(target, first + tally.inputs, first + count, tally)
        if tally.inputs < count:  # The child died with the input that it had begun.
            tally.inputs = begun - first + 1
    return tally


def _follow(target: Target, first: int, last: int, tally: Tally) -> int:
    """One child to its end, counted into the tally; the seed that it began last."""
    command = [sys.executable, "-m", "tests.fuzz", "--only", target.name]
    command += ["--child", str(first), str(last)]
    begun, limit_s = first - 1, _PREPARING_S
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child,
        selectors.DefaultSelector() as selector,
    ):
        assert child.stdout is not None
        selector.register(child.stdout, selectors.EVENT_READ)
        deadline = time.monotonic() + limit_s
        while selector.select(max(0.0, deadline - time.monotonic())):
            line = child.stdout.readline()
            if not line:
                break
            deadline = time.monotonic() + _SILENCE_S
            entry = json.loads(line)
            if "begin" in entry:
                begun = entry["begin"]
                continue
            tally.inputs += 1
            tally.codes[entry["code"]] += 1
            tally.slowest_s = max(tally.slowest_s, entry["elapsed_s"])
            for fault in entry["faults"]:
                _tell(target, tally, fault)
        else:
            child.kill()
            _tell(target, tally, f"seed {begun}: hangs")
    if begun < first:
        raise SystemExit(f"{target.name}: the good files could not be made")
    if child.returncode not in (0, -9):
        _tell(target, tally, f"seed {begun}: the process ended with {child.returncode}")
    return begun


def _tell(target: Target, tally: Tally, fault: str) -> None:
    tally.faults.append(fault)
    sys.stderr.write(f"{target.name}: {fault}\n")


def _table(tallies: dict[str, Tally], seed: int) -> str:
    lines = [
        f"Seeds from {seed}; a fault is a traceback, a half-written file, a line of more than 300",
        "characters, a changed ranking, a process that dies, or more than 10 s.",
        "",
        "| Input | Tried | Read | Refused | A cell failed | Faults | Slowest s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, tally in tallies.items():
        read, refused = tally.codes["0"] + tally.codes["3"], tally.codes["2"]
        lines.append(
            f"| {name} | {tally.inputs:,} | {read:,} | {refused:,} | {tally.codes['1']:,} "
            f"| {len(tally.faults)} | {tally.slowest_s:.1f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
