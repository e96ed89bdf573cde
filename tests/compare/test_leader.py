"""Who leads a task: against plain means, and tests of the pairs done one by one."""

from __future__ import annotations

import random
from statistics import fmean

from rerankbench.compare.leader import leader, sentences
from rerankbench.stats.paired import randomisation_p
from rerankbench.types import Record
from tests.leaderboard.records import make_record

METRIC = "nDCG@10"
QUERIES = 60


def _values(mean: float, seed: int) -> list[float]:
    draw = random.Random(seed)
    return [min(1.0, max(0.0, draw.gauss(mean, 0.05))) for _ in range(QUERIES)]


def _record(name: str, mean: float, *, seed: int = 1, docs_per_s: float | None = None) -> Record:
    family = "baseline" if name in ("bm25", "oracle", "random") else "sequence-classification"
    recipe = {"order": name} if name in ("oracle", "random") else {}
    values = {METRIC: _values(mean, seed)}
    return make_record(name, values, family=family, recipe=recipe, docs_per_s=docs_per_s)


def _p(first: Record, second: Record) -> float:
    mine, theirs = first.per_query[METRIC], second.per_query[METRIC]
    return randomisation_p([mine[query] - theirs[query] for query in sorted(mine)])


def _said(*records: Record) -> list[str]:
    found = leader(records, METRIC)
    assert found is not None
    return list(sentences(found))


def test_the_leader_is_the_best_model_and_its_margins_are_those_of_means() -> None:
    best, near = _record("best", 0.6, seed=1), _record("near", 0.59, seed=6)
    first_stage = _record("bm25", 0.3, seed=3)
    bounds = [_record("oracle", 0.95), _record("random", 0.1)]
    found = leader([near, *bounds, first_stage, best], METRIC)
    assert found is not None
    assert found.record is best
    assert found.queries == QUERIES
    assert found.second is not None and found.first_stage is not None
    assert found.second.record is near
    means = {one.cell.reranker.name: fmean(one.per_query[METRIC].values()) for one in (best, near)}
    assert abs(found.second.delta - (means["best"] - means["near"])) < 1e-12
    assert found.first_stage.record is first_stage
    # Holm over two tests against the first stage: the smaller p twice, at most the other.
    alone = sorted([_p(best, first_stage), _p(near, first_stage)])
    assert found.first_stage.p == 2 * alone[0]
    assert found.first_stage.is_real
    # The pair with the largest p of all three is adjusted for itself alone.
    assert found.second.p == max(_p(best, near), 2 * alone[1])
    assert not found.second.is_real


def test_a_real_lead_and_one_that_the_queries_cannot_tell_read_differently() -> None:
    best, near = _record("best", 0.6, seed=1), _record("near", 0.598, seed=6)
    low = _record("low", 0.3, seed=3)
    assert _said(best, low)[0].startswith("best leads low by 0.")
    assert _said(best, low)[0].endswith(" nDCG@10, which is significant (p < 0.001).")
    assert _said(best, near)[0].startswith("best leads near by 0.")
    assert "; 60 queries cannot tell them apart (p = 0." in _said(best, near)[0]


def test_equal_means_are_called_equal() -> None:
    said = _said(_record("one", 0.6), _record("other", 0.6))
    assert said[0] == f"one and other have the same nDCG@10, {fmean(_values(0.6, 1)):.3f}."


def test_a_first_stage_that_leads_is_said_to_be_one() -> None:
    said = _said(_record("bm25", 0.6), _record("worse", 0.4, seed=2))
    assert said[0].startswith("bm25 leads worse by 0.")
    assert said[1] == "That is the first stage's own order: no reranker here improves on it."


def test_speed_is_held_against_the_fastest_of_the_same_machine() -> None:
    best = _record("best", 0.6, docs_per_s=20)
    fast = _record("fast", 0.3, seed=2, docs_per_s=800)
    assert _said(best, fast)[-1] == (
        "It reranks 20 docs/s and so takes 40 times as long as fast (800 docs/s)."
    )
    assert _said(fast, _record("slow", 0.1, seed=3, docs_per_s=2.54))[-1] == (
        "It reranks 800 docs/s, the most of all timed with it."
    )
    assert not any("docs/s" in line for line in _said(best, _record("untimed", 0.3, seed=2)))


def test_alone_it_leads_nobody_and_bounds_alone_have_no_leader() -> None:
    assert _said(_record("best", 0.6))[0].startswith("best is the only one here, with 0.")
    assert leader([_record("oracle", 0.9), _record("random", 0.1)], METRIC) is None
    assert leader([_record("best", 0.6)], "MAP") is None
