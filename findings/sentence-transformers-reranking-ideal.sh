#!/usr/bin/env bash
# sentence-transformers' CrossEncoderRerankingEvaluator with always_rerank_positives=False makes
# the ideal of the reranked side of the candidates alone: a missed positive costs nothing. On the
# base side missed positives stand in the ideal, and behind the list as if they had been found. A
# reranker that changes nothing shows a gain, and neither figure is the nDCG of the list.
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


class SameOrder:
    """A model whose scores keep the order of the documents d1, d2, …"""

    class model_card_data:
        @staticmethod
        def set_evaluation_metrics(*_: object, **__: object) -> None:
            pass

    def predict(self, pairs: list[list[str]], **_: object) -> numpy.ndarray:
        return numpy.array([-float(document[1:]) for _, document in pairs], dtype=numpy.float32)


# The search found one of three relevant documents, at rank 1.
SAMPLE = {"query": "q", "positive": ["d1", "d8", "d9"], "documents": ["d1", "d2", "d3"]}
evaluator = CrossEncoderRerankingEvaluator(
    [SAMPLE], always_rerank_positives=False, write_csv=False
)
found = {name: float(value) for name, value in evaluator(SameOrder()).items()}

print("sentence-transformers", version("sentence-transformers"))
print("the same order before and after:", {name: round(value, 4) for name, value in found.items()})
discounts = [1 / numpy.log2(rank + 1) for rank in range(1, 4)]
print("nDCG@10 over all three relevant documents:", round(discounts[0] / sum(discounts), 4))
assert found["ndcg@10"] == 1.0 and found["map"] == 1.0
assert found["base_ndcg@10"] < 1.0 and found["base_map"] < 1.0
PYTHON
