#!/usr/bin/env bash
# ir_measures computes nDCG(dcg='exp-log2')@k by a Perl script that cuts a query id at its last
# hyphen: `dev-1` and `test-1` become one query, which gets one value under a name that no qrels
# hold, and the mean counts both queries with 0 beside it. Ids that are no numbers then end it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    ir_measures==0.4.3 pytrec_eval-terrier==0.5.11 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import shutil
from importlib.metadata import version

import ir_measures
from ir_measures import nDCG

assert shutil.which("perl"), "the measure is a Perl script; install perl"
EXPONENTIAL = nDCG(dcg="exp-log2") @ 10
QRELS = {"dev-1": {"a": 1}, "test-1": {"a": 1}}
RUN = {"dev-1": {"a": 2.0, "b": 1.0}, "test-1": {"a": 2.0, "b": 1.0}}

print("ir_measures", version("ir_measures"))
# With grades 0 and 1 both gains are the same measure, and every list here is perfect.
values = {each.query_id: each.value for each in ir_measures.iter_calc([EXPONENTIAL], QRELS, RUN)}
means = ir_measures.calc_aggregate([nDCG @ 10, EXPONENTIAL], QRELS, RUN)
print("values by query:", values)
print("means:", {str(measure): round(value, 4) for measure, value in means.items()})
assert values["dev-1"] == values["test-1"] == 0.0 and "1" in values
assert means[nDCG @ 10] == 1.0 and means[EXPONENTIAL] < 0.5
PYTHON
