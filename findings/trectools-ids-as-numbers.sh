#!/usr/bin/env bash
# trectools reads runs and judgments by pandas, which takes a column of digits for numbers: `007`
# becomes `7`, in one file and not in the other where that has a single id with a letter. The
# document is then judged for nobody, and all figures are 0 without a word.
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

print("trectools", version("trectools"))
Path("run").write_text("q Q0 007 1 2.0 t\nq Q0 008 2 1.0 t\n")
found = {}
for other in ("009", "x9"):
    Path("qrels").write_text(f"q 0 007 1\nq 0 {other} 0\n")
    run, qrels = TrecRun("run"), TrecQrel("qrels")
    found[other] = TrecEval(run, qrels).get_map()
    print("run:", list(run.run_data["docid"]), "judged:", list(qrels.qrels_data["docid"]))
    print("MAP:", found[other])
assert found == {"009": 1.0, "x9": 0.0}
PYTHON
