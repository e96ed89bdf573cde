#!/usr/bin/env bash
# torchmetrics' retrieval metrics treat ties in two ways: nDCG averages over their orders, MRR
# takes that of torch.topk, which is neither the order given nor its reverse, already for eight
# documents. A negative grade is a negative gain in nDCG, where trec_eval counts 0.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check \
    torchmetrics==1.9.0 torch==2.13.0 numpy==2.4.6
cd "$work"
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib.metadata import version

import torch
from torchmetrics.retrieval import RetrievalMRR, RetrievalNormalizedDCG


def value(metric: torch.nn.Module, scores: list[float], grades: list[int]) -> float:
    queries = torch.zeros(len(scores), dtype=torch.long)
    return metric(torch.tensor(scores), torch.tensor(grades), indexes=queries).item()


def tied(metric: torch.nn.Module, documents: int) -> list[float]:
    """The metric of tied documents, each in turn being the relevant one."""
    return [
        value(metric, [0.5] * documents, [int(at == place) for at in range(documents)])
        for place in range(documents)
    ]


print("torchmetrics", version("torchmetrics"), "torch", version("torch"))
for documents in (8, 20):
    ranks = [round(1 / each) for each in tied(RetrievalMRR(), documents)]
    gains = {round(each, 4) for each in tied(RetrievalNormalizedDCG(), documents)}
    print(f"{documents} tied documents: ranks in the order given {ranks}; nDCG {gains}")
    assert sorted(ranks) == list(range(1, documents + 1)) and len(gains) == 1
    assert ranks not in (sorted(ranks), sorted(ranks, reverse=True))
negative = value(RetrievalNormalizedDCG(), [0.9, 0.8, 0.1], [-1, 2, 0])
print("grades -1, 2, 0 in this order: nDCG", round(negative, 4), "; with 0 for -1 it is 0.6309")
assert negative < 0.5
PYTHON
