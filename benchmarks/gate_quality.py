"""How often the gate fails where nothing became worse, and what drops it catches: by simulation.

Values are made as in `benchmarks.significance`, so the true drop is known. A change of the
program or the model moves them in one of several ways: not at all, by neighbours that swap places
in a few queries (what another kernel's rounding does), or by chance of its own in every query, up
to that of another model altogether.
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks import common
from benchmarks.significance import Values, error_of, shift_for
from rerankbench.gate import quality
from rerankbench.gate.cells import Change, cell_name
from rerankbench.gate.limits import DEFAULT_DROP
from tests.leaderboard.records import make_record

METRIC = "nDCG@10"
QUERIES = (80, 300, 1000, 7000)
MULTIPLES = (0.5, 1, 2, 4)
CELLS = (1, 5, 20)
# Enough for a level of 1 %, also after Holm over 20 cells.
PERMUTATIONS = 3999
RESAMPLES = 1000
MOST_FALSE_ALARMS, LEAST_CAUGHT = 0.01, 0.95
_DIFFICULTY_SD, _CHANCE_SD = 2.0, 0.8
_CUT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """What a change does to values besides making them worse: as often better as worse.

    `swaps` is the share of queries whose relevant document swaps places with its neighbour,
    `chance` the standard deviation of each side's own chance in the logarithm of ranks.
    """

    name: str
    swaps: float = 0.0
    chance: float = 0.0


NOISES = (
    Noise(name="nothing"),
    Noise(name="swaps in 1 % of queries", swaps=0.01),
    Noise(name="swaps in 3 % of queries", swaps=0.03),
    Noise(name="swaps in 10 % of queries", swaps=0.1),
    Noise(name="another training run", chance=0.2),
    Noise(name="another model", chance=_CHANCE_SD),
)


def draw_pair(seed: int, queries: int, noise: Noise, drop: float) -> tuple[Values, Values]:
    """nDCG@10 of each query before and after a change whose true drop is known."""
    draw = np.random.default_rng(seed)
    shared = draw.normal(0.0, _DIFFICULTY_SD, queries)
    # The chance of both together is that of `benchmarks.significance`, whatever is shared of it.
    shared += draw.normal(0.0, math.sqrt(_CHANCE_SD**2 - noise.chance**2), queries)
    own = draw.normal(0.0, noise.chance, (2, queries))
    better = shift_for(drop) if drop else 0.0
    ranks = np.ceil(np.exp(shared + own - np.array([[better], [0.0]])))
    swapped = draw.random(queries) < noise.swaps
    side = draw.integers(0, 2, queries)
    ranks[side[swapped], np.flatnonzero(swapped)] += 1
    found: Values = np.where(ranks <= _CUT, 1 / np.log2(1 + ranks), 0.0)
    return found[0], found[1]


def gate(
    seed: int, queries: int, noise: Noise, drop: float, *, cells: int = 1, margin: float
) -> tuple[quality.QualityVerdict, ...]:
    """The gate's own verdicts on so many cells."""
    changes = []
    for number in range(cells):
        base, new = (
            make_record(f"model-{number}", {METRIC: values.tolist()})
            for values in draw_pair(seed * cells + number, queries, noise, drop)
        )
        changes.append(Change(name=cell_name(base), base=base, new=new))
    return quality.judge(changes, {METRIC: margin}, permutations=PERMUTATIONS, resamples=RESAMPLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What gates came to, as shares of all, and the median drop that they could detect.

    `detectable` is None where half of those that tested something could detect nothing, and where
    none did.
    """

    failed: float
    unclear: float
    passed: float
    detectable: float | None

    def detects(self, margin: float) -> bool:
        """Whether the queries are enough for drops of that size."""
        return self.detectable is not None and self.detectable <= margin

    def __str__(self) -> str:
        """`96 / 4 / 0`: failed, unclear, passed, in percent."""
        return " / ".join(f"{100 * each:.0f}" for each in (self.failed, self.unclear, self.passed))


def shares(
    queries: int, noise: Noise, drop: float, trials: int, *, margin: float, cells: int = 1
) -> Shares:
    """Gates over other queries each time; of several cells the worst verdict counts."""
    outcomes: Counter[str] = Counter()
    detectable: list[float] = []
    for seed in range(trials):
        verdicts = gate(seed, queries, noise, drop, cells=cells, margin=margin)
        found = {verdict.outcome for verdict in verdicts}
        outcomes[next((each for each in ("failed", "unclear") if each in found), "passed")] += 1
        tested = [verdict for verdict in verdicts if verdict.outcome != "same"]
        detectable += [math.inf if each.detectable is None else each.detectable for each in tested]
    failed, unclear, passed = (outcomes[each] / trials for each in ("failed", "unclear", "passed"))
    middle = float(np.median(detectable)) if detectable else math.inf
    known = middle if math.isfinite(middle) else None
    return Shares(failed=failed, unclear=unclear, passed=passed, detectable=known)


def main() -> None:
    """Simulate, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000, help="where nothing became worse")
    parser.add_argument("--drop-trials", type=int, default=200, help="for each true drop")
    options = parser.parse_args()
    trials, drop_trials, margin = options.trials, options.drop_trials, DEFAULT_DROP
    unharmed: dict[str, dict[int, Shares]] = {}
    for noise in NOISES:
        common.terminal.note(f"no drop: {noise.name}")
        unharmed[noise.name] = {
            queries: shares(queries, noise, 0.0, trials, margin=margin) for queries in QUERIES
        }
    several: dict[str, dict[int, Shares]] = {}
    for noise in NOISES[2::3]:
        common.terminal.note(f"several cells: {noise.name}")
        several[noise.name] = {
            cells: shares(300, noise, 0.0, trials // 2, margin=margin, cells=cells)
            for cells in CELLS
        }
    dropped: dict[str, dict[float, dict[int, Shares]]] = {}
    for noise in NOISES:
        common.terminal.note(f"drops: {noise.name}")
        dropped[noise.name] = {
            multiple: {
                queries: shares(queries, noise, multiple * margin, drop_trials, margin=margin)
                for queries in QUERIES
            }
            for multiple in MULTIPLES
        }
    report(unharmed, several, dropped, trials, drop_trials, margin)


def report(
    unharmed: Mapping[str, Mapping[int, Shares]],
    several: Mapping[str, Mapping[int, Shares]],
    dropped: Mapping[str, Mapping[float, Mapping[int, Shares]]],
    trials: int,
    drop_trials: int,
    margin: float,
) -> None:
    """Write what was found, and whether the targets hold."""
    alarms = [
        each.failed for row in (*unharmed.values(), *several.values()) for each in row.values()
    ]
    quiet = max(alarms) <= MOST_FALSE_ALARMS + 3 * error_of(MOST_FALSE_ALARMS, trials // 2)
    twice = [each for rows in dropped.values() for each in rows[2].values()]
    able = [each for each in twice if each.detects(margin)]
    caught = min(each.failed for each in able) >= LEAST_CAUGHT
    let_through = {
        queries: max(rows[2][queries].passed for rows in dropped.values()) for queries in QUERIES
    }
    passed = ", ".join(f"{share:.0%} of {queries:,}" for queries, share in let_through.items())
    drop_rows = [
        [f"{name}, {multiple:g} × margin", *(_marked(each, margin) for each in row.values())]
        for name, rows in dropped.items()
        for multiple, row in rows.items()
    ]
    text = f"""# The gate's verdicts on quality, by simulation

Values of queries before and after a change whose true drop is known go through the gate itself
({PERMUTATIONS:,} permutations, {RESAMPLES:,} resamples, margin {margin:g} of {METRIC}). Of every
100 gates so many are failed / unclear / passed.

## Nothing became worse

What the change does besides, by the number of queries:

{_table("the change", unharmed)}

Of gates over several cells of 300 queries each:

{_table("cells", several)}

{trials:,} gates each ({trials // 2:,} of several cells): a share of 1 % is known to
± {3 * error_of(0.01, trials // 2):.1%}, three standard errors. Highest share of false alarms:
{max(alarms):.1%}. At most 1 % within the error: {common.verdict(quiet)}.

## A true drop

{common.table(("the change, its drop", *(f"{each:,} queries" for each in QUERIES)), drop_rows)}

{drop_trials} gates each, ± {2 * error_of(0.5, drop_trials):.0%} at most. Bold: what the gate
says that it detects (the median) is within the margin, so the queries are enough. A drop of twice
the margin is then caught in at least {min(each.failed for each in able):.0%} (target
{LEAST_CAUGHT:.0%}): {common.verdict(caught)}.

Where the queries are too few, a drop of twice the margin passes if chance makes it look like an
improvement. Of gates over so many queries it passes in at most {passed}."""
    raw = {
        "margin": margin,
        "permutations": PERMUTATIONS,
        "resamples": RESAMPLES,
        "trials": trials,
        "drop_trials": drop_trials,
        "nothing_worse": unharmed,
        "several_cells": several,
        "drops_in_margins": dropped,
        "verdicts": {
            "false alarms": common.verdict(quiet),
            "caught where the queries are enough": common.verdict(caught),
        },
    }
    common.save("gate-quality", raw, text, page=common.GATE_PAGE)


def _table(head: str, rows: Mapping[str, Mapping[int, Shares]]) -> str:
    columns = next(iter(rows.values()))
    heads = (head, *(f"{number:,}" for number in columns))
    return common.table(heads, [[name, *map(_exact, row.values())] for name, row in rows.items()])


def _exact(found: Shares) -> str:
    return f"{100 * found.failed:.1f} / {100 * found.unclear:.1f} / {100 * found.passed:.1f}"


def _marked(found: Shares, margin: float) -> str:
    return f"**{found}**" if found.detects(margin) else str(found)


if __name__ == "__main__":
    main()
