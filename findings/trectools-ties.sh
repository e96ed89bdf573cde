#!/usr/bin/env bash
# trectools orders ties in two ways: by document id falling in MAP, reciprocal rank and precision,
# as trec_eval does, and rising in nDCG. One list is at once the best and the worst.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    trectools==0.0.50 numpy==2.4.6 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

from trectools import TrecEval, TrecQrel, TrecRun

Path("run").write_text("q Q0 a 1 1.0 t\nq Q0 b 2 1.0 t\n")

print("trectools", version("trectools"))
for relevant, falling, rising in (("a", 0.5, 1.0), ("b", 1.0, 0.6309)):
    Path("qrels").write_text(f"q 0 {relevant} 1\n")
    tool = TrecEval(TrecRun("run"), TrecQrel("qrels"))
    found = {
        "MAP": tool.get_map(),
        "RR": tool.get_reciprocal_rank(),
        "P@1": tool.get_precision(1),
        "nDCG@10": tool.get_ndcg(10),
    }
    print(f"a and b tie, {relevant} is relevant:", {k: round(float(v), 4) for k, v in found.items()})
    assert abs(found["MAP"] - falling) < 1e-4 and abs(found["RR"] - falling) < 1e-4
    assert abs(found["nDCG@10"] - rising) < 1e-4
PYTHON
