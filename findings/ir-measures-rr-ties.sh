#!/usr/bin/env bash
# ir_measures breaks ties by document id falling in RR and rising in RR@10: for one list shorter
# than ten documents the two differ, though the cutoff cuts nothing.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ir_measures==0.4.3 pytrec_eval-terrier==0.5.11 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import ir_measures
from ir_measures import AP, RR, P, nDCG

RUN = {"q": {"a": 1.0, "b": 1.0, "c": 1.0}}

print("ir_measures", version("ir_measures"), "pytrec_eval-terrier", version("pytrec_eval-terrier"))
for relevant, falling, rising in (("a", 1 / 3, 1.0), ("b", 0.5, 0.5), ("c", 1.0, 1 / 3)):
    found = ir_measures.calc_aggregate([RR, RR @ 10, AP, nDCG @ 10, P @ 1], {"q": {relevant: 1}}, RUN)
    print(f"a, b and c tie, {relevant} is relevant:", {str(m): round(v, 4) for m, v in found.items()})
    assert abs(found[RR] - falling) < 1e-6 and abs(found[AP] - falling) < 1e-6
    assert abs(found[RR @ 10] - rising) < 1e-6
PYTHON
