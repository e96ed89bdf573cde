#!/usr/bin/env bash
# sentence-transformers' InformationRetrievalEvaluator divides MAP@k by the smaller of k and the
# relevant documents, trec_eval's map_cut (pytrec_eval, BEIR, MTEB) by all of them. Its nDCG@k
# knows relevant and not relevant alone: grades have no place in its judgments.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    sentence-transformers==6.2.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6 pytrec_eval-terrier==0.5.11
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
from importlib.metadata import version

import numpy
import pytrec_eval
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

logging.disable()
RELEVANT = [f"d{number}" for number in range(20)]
HITS = [{"corpus_id": name, "score": 1.0 - rank / 100} for rank, name in enumerate(RELEVANT)]

evaluator = InformationRetrievalEvaluator(
    {"q": "a query"}, {name: "a text" for name in RELEVANT}, {"q": set(RELEVANT)}, map_at_k=[5]
)
theirs = float(evaluator.compute_metrics([HITS])["map@k"][5])
judge = pytrec_eval.RelevanceEvaluator({"q": dict.fromkeys(RELEVANT, 1)}, {"map_cut.5"})
treceval = judge.evaluate({"q": {hit["corpus_id"]: hit["score"] for hit in HITS}})["q"]["map_cut_5"]

print("sentence-transformers", version("sentence-transformers"))
print("pytrec_eval-terrier", version("pytrec_eval-terrier"))
print("20 relevant documents, the first five all relevant: MAP@5 =", theirs, "; map_cut_5 =", treceval)
assert theirs == 1.0 and abs(treceval - 0.25) < 1e-6
PYTHON
