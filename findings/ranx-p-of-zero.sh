#!/usr/bin/env bash
# ranx.compare's Fisher randomisation test prints p = 0.0 where no permutation reached the observed
# difference: no such p exists, since the observed order is itself one of them. Nor does it
# correct for the number of pairs: the p of two runs is the same beside two others.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ranx==0.3.21 numba==0.68.1 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import random
from importlib.metadata import version

from ranx import Qrels, Run, compare

QUERIES = [f"q{number:02d}" for number in range(60)]
NUMBERS = random.Random(0)


def run(name: str, share: float) -> Run:
    """A run that ranks the relevant document first for about this share of the queries."""
    return Run(
        {query: {"a": float(NUMBERS.random() < share), "b": 0.5} for query in QUERIES}, name=name
    )


qrels = Qrels({query: {"a": 1} for query in QUERIES})
runs = [run("perfect", 1.0), run("half", 0.5), run("third", 0.33), run("quarter", 0.25)]


def p(some: list[Run], a: str, b: str) -> float:
    report = compare(qrels, some, metrics=["mrr"], stat_test="fisher", n_permutations=1000)
    return report.to_dict()[a]["comparisons"][b]["mrr"]


print("ranx", version("ranx"))
zero = p(runs[:2], "perfect", "half")
alone, beside = p(runs[1:3], "half", "third"), p(runs, "half", "third")
print("p of 1,000 permutations:", zero, "; the least that they can show is", 1 / 1001)
print("p of one pair alone:", alone, "; the same pair among six:", beside)
assert zero == 0.0
assert 0 < alone < 1 and abs(alone - beside) < 0.05
PYTHON
