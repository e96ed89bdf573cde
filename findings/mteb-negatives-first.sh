#!/usr/bin/env bash
# MTEB names the documents of its older reranking tasks `apositive_…` and `negative_…`, "so that
# positives are first", and its metrics break ties by document id falling: where scores tie, all
# negatives come first. A constant scorer gets the least that is possible; half precision loses
# a little with every tie.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    mteb==2.26.24 torch==2.13.0 pytrec_eval-terrier==0.5.11
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

from mteb._evaluators.retrieval_metrics import calculate_retrieval_scores
from mteb.abstasks.text.reranking import AbsTaskReranking

EXAMPLE = {"query": "q", "positive": ["p1", "p2"], "negative": [f"n{i}" for i in range(8)]}
made = AbsTaskReranking._process_example(None, EXAMPLE, "test", 0)
qrels = {"q": dict(zip(made["doc_ids"], made["relevance_scores"], strict=True))}
run = {"q": dict.fromkeys(made["doc_ids"], 0.5)}
found = calculate_retrieval_scores(run, qrels, [1, 10])

print("mteb", version("mteb"))
print("ids:", made["doc_ids"][0], made["doc_ids"][2])
print("ten tied documents, two relevant:", found.mrr, found.map)
assert found.mrr["MRR@10"] == 1 / 9
assert abs(found.map["MAP@10"] - (1 / 9 + 2 / 10) / 2) < 1e-4
PYTHON
