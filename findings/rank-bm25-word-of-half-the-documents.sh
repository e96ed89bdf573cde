#!/bin/bash
# rank-bm25 0.2.2: a word that is in just half of the documents weighs 0 in BM25Okapi, so the documents that hold it score what
# those without it do; only words in more than half of them get the package's floor.
set -eu
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q rank-bm25==0.2.2
"$work/venv/bin/python" - <<'PY'
import sys

from rank_bm25 import BM25Okapi

half = BM25Okapi([["red"], ["red", "dog"], ["owl"], ["fox"]]).get_scores(["red"]).tolist()
more = BM25Okapi([["red"], ["red", "dog"], ["red"], ["fox"]]).get_scores(["red"]).tolist()
print("rank-bm25 0.2.2: 'red' in 2 of 4 documents scores", half)
print("rank-bm25 0.2.2: 'red' in 3 of 4 documents scores", more)
if any(half) or not all(more[:3]):
    sys.exit("CHANGED")
PY
