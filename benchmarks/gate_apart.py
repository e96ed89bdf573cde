"""How often the gate errs on speed where records were measured apart, without remeasuring.

What two `rerankbench run` on one machine would record of a base, its equal and a truly slower one,
one after the other: on the idle machine, and beside a program that keeps one core busy.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from benchmarks import common
from benchmarks.gate_speed import CONDITIONS, beside, judged, shown
from benchmarks.turns import SLOWDOWN, Bench
from rerankbench.gate.limits import DEFAULT_SLOWDOWN
from rerankbench.stats import order
from rerankbench.stats.ratios import DRIFT
from rerankbench.types import Record

MOST_FALSE_ALARMS = 0.01
LOADS = ("idle", "one core busy")
_KINDS = ("equal", "slower")
_BUDGET_S = 2
_DOCUMENTS, _PASSES, _LOADINGS = 20, 16, 1

Records = Mapping[str, Mapping[str, Sequence[Record]]]


def main() -> None:
    """Measure records under both loads, hold all against each other, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="tiny-l2-h128-ce", help="below the shared models")
    parser.add_argument("--records", type=int, default=30, help="of each kind, machine idle")
    parser.add_argument("--loaded-records", type=int, default=12, help="of each kind under load")
    parser.add_argument("--wait", type=float, default=600, metavar="S", help="for an idle machine")
    options = parser.parse_args()
    shared = common.shared()
    if shared is None:
        parser.exit(2, "needs SciFact and a model below $RERANKBENCH_SHARED\n")
    bench = Bench(shared, options.model, _DOCUMENTS, _PASSES, _LOADINGS)
    calm = bench.calibrate(options.wait)
    found: dict[str, dict[str, list[Record]]] = {}
    for load in LOADS:
        common.terminal.note(load)
        found[load] = {kind: [] for kind in _KINDS}
        count = options.loaded_records if CONDITIONS[load] else options.records
        with beside(CONDITIONS[load]):
            for _ in range(count):
                for kind, records in found[load].items():
                    records.append(bench.record(kind, _BUDGET_S))
    report(options.model, found, calm=calm)


def report(model: str, found: Records, *, calm: bool) -> None:
    """Write what was found, and whether the target holds."""
    idle, busy = (found[load] for load in LOADS)
    rows = {
        "idle, both": (combinations(idle["equal"], 2), _all(idle["equal"], idle["slower"])),
        "one core busy, both": (
            combinations(busy["equal"], 2),
            _all(busy["equal"], busy["slower"]),
        ),
        "idle, then one core busy": (
            _all(idle["equal"], busy["equal"]),
            _all(idle["equal"], busy["slower"]),
        ),
        "one core busy, then idle": (
            _all(busy["equal"], idle["equal"]),
            _all(busy["equal"], idle["slower"]),
        ),
    }
    counts = {
        name: [Counter(judged(*two) for two in each) for each in row] for name, row in rows.items()
    }
    alarms = [row[0]["failed"] / row[0].total() for row in counts.values()]
    quiet = max(alarms) <= MOST_FALSE_ALARMS
    middles = sorted(order.median(_passes_s(record)) for record in idle["equal"])
    spread = middles[-1] / middles[0]
    shares = [[name, *map(_percent, row)] for name, row in counts.items()]
    text = f"""# The gate's verdicts on speed, from records measured apart

`{model}`: {len(idle["equal"])} records of each kind on the idle machine, {len(busy["equal"])}
under load, each base against each new one; a record has three passes, in {_BUDGET_S} s. Limit
{DEFAULT_SLOWDOWN:.0%}, and {DRIFT} times for drift. The slower one takes {SLOWDOWN:.0%} longer. So
many of 100 gates are failed / unclear / passed:

{common.table(("base, then new", "equal", "slower"), shares)}

On the idle machine the slowest record of one and the same program took {spread:.2f} times as long
as the fastest. At most {MOST_FALSE_ALARMS:.0%} false alarms: {common.verdict(quiet)}. The idle
machine was idle: {common.verdict(calm)}."""
    raw = {
        "model": model,
        "limit": DEFAULT_SLOWDOWN,
        "drift": DRIFT,
        "slowdown": SLOWDOWN,
        "seconds_a_pair": {
            load: {
                kind: [_passes_s(record) for record in records] for kind, records in each.items()
            }
            for load, each in found.items()
        },
        "failed_unclear_passed": {
            name: [shown(each) for each in row] for name, row in counts.items()
        },
        "verdicts": {"false alarms": common.verdict(quiet), "idle": common.verdict(calm)},
    }
    common.save("gate-apart", raw, text, page=common.GATE_PAGE)


def _all(bases: Sequence[Record], news: Sequence[Record]) -> Iterable[tuple[Record, Record]]:
    return ((base, new) for base in bases for new in news)


def _percent(outcomes: Counter[str]) -> str:
    shares = (100 * outcomes[each] / outcomes.total() for each in ("failed", "unclear", "passed"))
    return " / ".join(f"{share:.1f}" for share in shares)


def _passes_s(record: Record) -> list[float]:
    throughput = record.measurements.throughput
    assert throughput is not None
    return [each / throughput.pairs for each in throughput.passes_s]


if __name__ == "__main__":
    main()
