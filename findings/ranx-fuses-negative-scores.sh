#!/usr/bin/env bash
# ranx's fuse gives a document that a list lacks 0 points from it. Rerankers' logits are negative:
# with method="sum" a document that one list dropped then beats one that both rank first, and
# norm="max" divides negative scores by 1e-9, so that such a list decides alone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ranx==0.3.21 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from ranx import Run, fuse


def fused(one, other, norm):
    runs = [Run({"q": dict(one)}, name="one"), Run({"q": dict(other)}, name="other")]
    scores = dict(fuse(runs, norm=norm, method="sum").run["q"])
    return sorted(scores.items(), key=lambda pair: -pair[1])


print("ranx", version("ranx"))
logits, others = {"a": -3.0, "b": -4.0}, {"a": -3.0, "c": -9.0}
summed = fused(logits, others, None)
print("two lists of logits, a first in both:", summed)
assert summed[0] == ("b", -4.0) and dict(summed)["a"] == -6.0

bm25 = {"a": 1.0, "b": 20.0}
greatest = fused({"a": -0.1, "b": -0.2}, bm25, "max")
print("BM25 prefers b by far, a logit prefers a by 0.1:", greatest)
assert greatest[0][0] == "a" and greatest[0][1] < -1e7

shifted = fused({"a": 10.9, "b": 10.8}, bm25, "max")
print("the same logits, 11 higher:", shifted)
assert shifted[0][0] == "b"
PYTHON
