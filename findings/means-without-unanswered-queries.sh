#!/usr/bin/env bash
# pytrec_eval returns values only for queries that both judgments and run hold, and trectools
# divides by the queries of the run: a system that answers the easy half of the queries gets twice
# the mean that `trec_eval -c` prints. ir_measures counts such queries with 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ir_measures==0.4.3 pytrec_eval-terrier==0.5.11 trectools==0.0.50 numpy==2.4.6 pandas==3.1.1
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path
from statistics import fmean

import ir_measures
import pytrec_eval
from trectools import TrecEval, TrecQrel, TrecRun

QRELS = {"q1": {"a": 1}, "q2": {"b": 1}}
RUN = {"q1": {"a": 1.0}}

values = pytrec_eval.RelevanceEvaluator(QRELS, {"map"}).evaluate(RUN)
Path("run").write_text("q1 Q0 a 1 1.0 t\n")
Path("qrels").write_text("q1 0 a 1\nq2 0 b 1\n")
found = {
    "pytrec_eval-terrier": fmean(each["map"] for each in values.values()),
    "trectools": float(TrecEval(TrecRun("run"), TrecQrel("qrels")).get_map()),
    "ir_measures": ir_measures.calc_aggregate([ir_measures.AP], QRELS, RUN)[ir_measures.AP],
}
for name, mean in found.items():
    print(f"{name} {version(name)}: MAP {mean} where one of two queries is answered")
assert list(found.values()) == [1.0, 1.0, 0.5]
PYTHON
