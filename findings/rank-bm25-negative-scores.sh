#!/usr/bin/env bash
# rank_bm25's BM25Okapi floors the weight of a word that most documents hold at a quarter of the
# mean weight, which is itself negative where most words are frequent: a document with the
# query's word then scores below one without, and get_top_n returns what does not match.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    rank-bm25==0.2.2 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from rank_bm25 import BM25Okapi

DOCUMENTS = ["red apple", "red pear", "red apple pear", "apple pear"]
model = BM25Okapi([document.split() for document in DOCUMENTS])
scores = {name: round(float(score), 4) for name, score in zip(DOCUMENTS, model.get_scores(["red"]))}

print("rank_bm25", version("rank_bm25"))
print("mean weight of a word:", round(model.average_idf, 4), "; scores of 'red':", scores)
print("first of get_top_n:", model.get_top_n(["red"], DOCUMENTS, n=1))
assert model.average_idf < 0
assert scores["apple pear"] == 0 > max(scores[name] for name in DOCUMENTS[:3])
assert model.get_top_n(["red"], DOCUMENTS, n=1) == ["apple pear"]
PYTHON
