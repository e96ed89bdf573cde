"""How far other tools' figures may lie from ours, against every order that the ties allow."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import permutations
from statistics import fmean

import numpy as np
import pytest
import pytrec_eval

from rerankbench.interchange.elsewhere import EvaluatedRun, differences
from rerankbench.registry import naming
from rerankbench.run import quality
from rerankbench.types import Hit, Qrels, Ranking

NAMES = {"nDCG@10": "ndcg_cut_10", "MAP": "map"}
QRELS: Qrels = {
    "q0": {"a": 2, "b": 1, "c": -1, "far": 1},
    "q1": {"b": 1},
    "q2": {"c": 3, "d": 1},
    "plain": {"a": 1},
}


def _lines(run: Mapping[str, Mapping[str, float]]) -> list[str]:
    rankings = [
        Ranking.sort(query, (Hit(doc_id=doc, score=score) for doc, score in scores.items()))
        for query, scores in run.items()
    ]
    metrics = [naming.parse_metric(name) for name in NAMES]
    values = quality.evaluate(QRELS, rankings, metrics)
    evaluated = EvaluatedRun(qrels=QRELS, rankings=rankings, metrics=metrics, values=values)
    return list(differences(evaluated))


def _extremes(run: Mapping[str, Mapping[str, float]], name: str) -> tuple[float, float]:
    """Least and largest mean over all orders that keep what is apart in float32 in its order."""
    graded = {q: {d: max(0, g) for d, g in grades.items()} for q, grades in QRELS.items()}
    judge = pytrec_eval.RelevanceEvaluator(graded, {name.replace("cut_", "cut.")})
    found: dict[str, list[float]] = {}
    for query, scores in run.items():
        for order in permutations(scores):
            singles = [np.float32(scores[doc]) for doc in order]
            if singles == sorted(singles, reverse=True):
                by_rank = {doc: float(-rank) for rank, doc in enumerate(order)}
                found.setdefault(query, []).append(judge.evaluate({query: by_rank})[query][name])
    return fmean(map(min, found.values())), fmean(map(max, found.values()))


@pytest.mark.parametrize("seed", range(4))
def test_the_range_is_that_of_all_orders_of_the_ties(seed: int) -> None:
    numbers = random.Random(seed)
    # 0.5 and what lies beside it tie in float32, as trec_eval compares scores.
    values = (0.5, 0.5 + 1e-12, 1.0)
    run = {
        query: {doc: numbers.choice(values) for doc in "abcdx"} for query in ("q0", "q1", "q2")
    } | {"plain": {"a": 0.25, "b": 0.125}}
    (line,) = _lines(run)
    for name, key in NAMES.items():
        worst, best = _extremes(run, key)
        assert f", {worst:.4f} to {best:.4f}" in line.partition(f"{name} ")[2][:40]


def test_a_run_that_every_tool_reads_alike_has_no_difference() -> None:
    run = {query: {doc: float(at) for at, doc in enumerate("xdcba")} for query in QRELS}
    assert _lines(run) == []


def test_scores_beyond_float32_all_tie() -> None:
    run = {query: {doc: 1e40 * at for at, doc in enumerate("xdcba", 1)} for query in QRELS}
    (line,) = _lines(run)
    assert line.startswith("100.0% of neighbouring scores tie")
