"""How often the gate calls a version slower that is none, and finds one that is, on this machine.

A base, its equal and a truly slower one take turns in rounds, as versions do for `rerankbench gate
--remeasure`, and the gate's own rule decides: on the idle machine, beside a program that keeps one
core busy, and beside programs that come and go.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median

from benchmarks import common
from benchmarks.turns import SLOWDOWN, SUBJECTS, Bench, Turns
from rerankbench.gate import speed
from rerankbench.gate.cells import Change, cell_name
from rerankbench.gate.limits import DEFAULT_SLOWDOWN, Limits
from rerankbench.gate.speed import Remeasurement
from rerankbench.run.speed import FOREIGN_LOAD_LIMIT
from rerankbench.stats import ratios
from rerankbench.types import Record
from tests.leaderboard.records import make_record

ROUNDS = 10
MOST_FALSE_ALARMS, LEAST_CAUGHT = 0.01, 0.95
_LIMITS = Limits(slowdown=DEFAULT_SLOWDOWN, growth=None)
# Models are loaded anew now and then, so that no luck of one place in memory lasts.
_GATES_A_LOAD = 20
# They end with us, however that comes about.
_BUSY = """
import os
parent = os.getppid()
while os.getppid() == parent: pass
"""
# Nothing and everything by turns, each for up to a second.
_BURSTS = """
import os, random, sys, time
draw, parent = random.Random(int(sys.argv[1])), os.getppid()
while os.getppid() == parent:
    time.sleep(draw.uniform(0.02, 1))
    until = time.monotonic() + draw.uniform(0.02, 1)
    while time.monotonic() < until: pass
"""
CONDITIONS: Mapping[str, Sequence[Sequence[str]]] = {
    "idle": (),
    "one core busy": ((_BUSY,),),
    "programs come and go": ((_BURSTS, "1"), (_BURSTS, "2")),
}


def outcome(gate: Turns, subject: str, pairs: int) -> str:
    """The gate's verdict on that subject against the base."""
    again = Remeasurement(base_s=gate.passes_s["base"], new_s=gate.passes_s[subject], pairs=pairs)
    record = make_record()
    return judged(record, record, again)


def judged(base: Record, new: Record, again: Remeasurement | None = None) -> str:
    """The gate's verdict on two records, or on what was measured anew."""
    name = cell_name(base)
    change = Change(name=name, base=base, new=new)
    (verdict,) = speed.judge([change], _LIMITS, None if again is None else {name: again})
    return verdict.outcome


@contextmanager
def beside(programs: Sequence[Sequence[str]]) -> Iterator[None]:
    """Other programs run as long as the block does."""
    running = [subprocess.Popen((sys.executable, "-c", *each)) for each in programs]
    try:
        yield
    finally:
        for each in running:
            each.kill()
            each.wait()


def observe(bench: Bench, gates: int) -> list[Turns]:
    """So many gates under the load that there is."""
    found = []
    for gate in range(gates):
        if gate % _GATES_A_LOAD == 0:
            bench.load(gate // _GATES_A_LOAD)
            common.terminal.note(f"{gate} of {gates} gates")
        found.append(bench.turns(gate, ROUNDS, SUBJECTS))
    return found


def main() -> None:
    """Measure under every load, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tiny-l2-h128-ce", help="below the shared models")
    parser.add_argument("--gates", type=int, default=100, help="on the idle machine, 20 a query")
    parser.add_argument("--loaded-gates", type=int, default=50, help="under each load")
    parser.add_argument("--documents", type=int, default=20, help="of a pass")
    parser.add_argument("--passes", type=int, default=16, help="of a round")
    parser.add_argument("--wait", type=float, default=600, metavar="S", help="for an idle machine")
    options = parser.parse_args()
    shared = common.shared()
    if shared is None:
        parser.exit(2, "needs SciFact and a model below $RERANKBENCH_SHARED\n")
    began_s = time.monotonic()
    loads = -(-max(options.gates, options.loaded_gates) // _GATES_A_LOAD)
    bench = Bench(shared, options.model, options.documents, options.passes, loads)
    bench.calibrate(options.wait)
    found = {}
    for name, programs in CONDITIONS.items():
        common.terminal.note(f"{name}, after {time.monotonic() - began_s:.0f} s")
        with beside(programs):
            gates = options.loaded_gates if programs else options.gates
            found[name] = observe(bench, gates)
    report(options.model, found, bench.pairs(), options.passes)


def report(model: str, found: Mapping[str, Sequence[Turns]], pairs: int, passes: int) -> None:
    """Write what was found, and whether the targets hold."""
    verdicts = {
        name: {
            subject: Counter(outcome(gate, subject, pairs) for gate in each)
            for subject in ("equal", "slower")
        }
        for name, each in found.items()
    }
    rows = [
        [
            name,
            f"{median(gate.foreign_load for gate in each):.2f}",
            f"{_noise(each):.1%}",
            shown(verdicts[name]["equal"]),
            _slowdown(each).show(".2f"),
            shown(verdicts[name]["slower"]),
        ]
        for name, each in found.items()
    ]
    heads = ("load", "busy cores", "noise", "equal", "slower one takes", "slower")
    alarms, caught = (
        {name: each[subject]["failed"] for name, each in verdicts.items()}
        for subject in ("equal", "slower")
    )
    gates = {name: len(each) for name, each in found.items()}
    loaded = [name for name in gates if name != "idle"]
    quiet = alarms["idle"] <= MOST_FALSE_ALARMS * gates["idle"]
    quiet_loaded = sum(alarms[name] for name in loaded) <= MOST_FALSE_ALARMS * sum(
        gates[name] for name in loaded
    )
    found_slower = {
        name: common.verdict(caught[name] >= LEAST_CAUGHT * gates[name]) for name in gates
    }
    calm = median(gate.foreign_load for gate in found["idle"]) <= FOREIGN_LOAD_LIMIT
    text = f"""# The gate's verdicts on speed, on this machine

`{model}`, base and new in turn in one process: {ROUNDS} rounds a gate, {passes} passes each a
round, {pairs} pairs a pass, limit {DEFAULT_SLOWDOWN:.0%}. The equal one is the same model loaded
again; the slower one's engine does part of its pairs twice, as many as make a pass {SLOWDOWN:.0%}
longer.

{common.table(heads, rows)}

Verdicts are failed / unclear / passed. Busy cores: what other processes kept busy, the median over
the gates. Noise: how far the ratio of a round to the equal one is from 1, the median. The slower
one's ratio: the median of all gates, between the lowest and the highest.

At most {MOST_FALSE_ALARMS:.0%} false alarms on the idle machine: {common.verdict(quiet)}; under
load: {common.verdict(quiet_loaded)}. At least {LEAST_CAUGHT:.0%} of the slower ones caught:
{", ".join(f"{name} {each}" for name, each in found_slower.items())}. The idle machine was idle:
{common.verdict(calm)}."""
    raw = {
        "model": model,
        "rounds": ROUNDS,
        "passes": passes,
        "pairs": pairs,
        "limit": DEFAULT_SLOWDOWN,
        "slowdown": SLOWDOWN,
        "false_alarms": alarms,
        "caught": caught,
        "ratios": {
            name: {
                subject: [[round(one, 4) for one in gate.ratios(subject)] for gate in each]
                for subject in ("equal", "slower")
            }
            for name, each in found.items()
        },
        "foreign_load": {
            name: [round(gate.foreign_load, 3) for gate in each] for name, each in found.items()
        },
        "verdicts": {
            "false alarms": common.verdict(quiet),
            "false alarms under load": common.verdict(quiet_loaded),
            "caught": found_slower,
            "idle": common.verdict(calm),
        },
    }
    common.save("gate-speed", raw, text, page=common.GATE_PAGE)


def _noise(gates: Sequence[Turns]) -> float:
    """The median distance from 1 of a round's ratio to the equal one."""
    return median(abs(one - 1) for gate in gates for one in gate.ratios("equal"))


def _slowdown(gates: Sequence[Turns]) -> common.Spread:
    return common.Spread.of(
        [ratios.in_rounds(gate.passes_s["base"], gate.passes_s["slower"]).median for gate in gates]
    )


def shown(outcomes: Mapping[str, int]) -> str:
    """How many failed, were unclear, and passed."""
    return " / ".join(str(outcomes[each]) for each in ("failed", "unclear", "passed"))


if __name__ == "__main__":
    main()
