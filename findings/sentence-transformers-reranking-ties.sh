#!/usr/bin/env bash
# sentence-transformers' CrossEncoderRerankingEvaluator treats ties in three ways at once: nDCG@10
# averages over their orders, MAP takes a tied group as one cut, and MRR@10 takes the reverse of
# the order in which the documents were given. Scores of a saturated model (all equal) get an
# MRR@10 of 1 or 0 by the place of the positive in the sample.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    sentence-transformers==6.2.0 transformers==5.23.0 torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import logging
from importlib.metadata import version

import numpy
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator

logging.disable()


class Constant:
    """A model that gives every document the same score."""

    class model_card_data:
        @staticmethod
        def set_evaluation_metrics(*_: object, **__: object) -> None:
            pass

    def predict(self, pairs: list[list[str]], **_: object) -> numpy.ndarray:
        return numpy.full(len(pairs), 0.5, dtype=numpy.float32)


print("sentence-transformers", version("sentence-transformers"), "numpy", numpy.__version__)
others = [f"n{number}" for number in range(14)]
found = {}
for place, documents in (("first", ["p", *others]), ("last", [*others, "p"])):
    sample = {"query": "q", "positive": ["p"], "documents": documents}
    evaluator = CrossEncoderRerankingEvaluator(
        [sample], always_rerank_positives=False, write_csv=False
    )
    figures = evaluator(Constant())
    found[place] = [float(figures[name]) for name in ("mrr@10", "ndcg@10", "map")]
    print(f"the positive {place} of 15 tied documents: MRR@10, nDCG@10, MAP = {found[place]}")
assert found["first"][0] == 0.0 and found["last"][0] == 1.0
assert found["first"][1:] == found["last"][1:]
assert 0 < found["first"][1] < 1 and abs(found["first"][2] - 1 / 15) < 1e-9
PYTHON
