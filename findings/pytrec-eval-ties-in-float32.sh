#!/bin/bash
# pytrec_eval-terrier 0.5.11 holds scores in 32 bits: two that differ in the tenth digit tie, and the greater document id then
# comes first, whichever was scored higher.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q pytrec-eval-terrier==0.5.11
"$work/venv/bin/python" - <<'PY'
import sys

import pytrec_eval

evaluator = pytrec_eval.RelevanceEvaluator({"q": {"a": 1}}, {"recip_rank"})
found = {
    difference: evaluator.evaluate({"q": {"a": 1.0 + difference, "b": 1.0}})["q"]["recip_rank"]
    for difference in (1e-6, 1e-10)
}
for difference, value in found.items():
    print(f"pytrec_eval-terrier 0.5.11: relevant 'a' scores {difference:g} more than 'b': reciprocal rank {value}")
if found != {1e-6: 1.0, 1e-10: 0.5}:
    sys.exit("CHANGED")
PY
