#!/usr/bin/env bash
# BEIR's EvaluateRetrieval.evaluate takes a document out of every query whose id is its own, on any
# collection unless it is told not to. Where queries and documents are merely numbered alike, a
# relevant document is lost; the caller's results are changed too. Its means then divide by the
# queries that have results: one without does not count.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    beir==2.2.0 torch==2.13.0 pytrec_eval-terrier==0.5.11
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
from importlib.metadata import version

from beir.retrieval.evaluation import EvaluateRetrieval

logging.disable()
QRELS = {"1": {"1": 1}, "2": {"7": 1}, "3": {"8": 1}}


def results() -> dict[str, dict[str, float]]:
    return {"1": {"1": 0.9, "5": 0.8}, "2": {"7": 0.9, "2": 0.8}}


print("beir", version("beir"))
given = results()
default, *_ = EvaluateRetrieval.evaluate(QRELS, given, [10])
kept, *_ = EvaluateRetrieval.evaluate(QRELS, results(), [10], ignore_identical_ids=False)
print("documents and queries numbered alike:", default, "; told to keep them:", kept)
print("what the caller's results are afterwards:", given)
assert default["NDCG@10"] == 0.5 and given == {"1": {"5": 0.8}, "2": {"7": 0.9}}
assert kept["NDCG@10"] == 1.0, "the mean of two queries, though three are judged"
PYTHON
