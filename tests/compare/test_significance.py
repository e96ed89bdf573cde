"""Significance of records: families, tiers, rank ranges, intervals."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import pytest

from rerankbench.compare.significance import ALPHA, Significance, SystemSignificance, significance
from rerankbench.errors import UsageError
from rerankbench.stats import paired
from rerankbench.types import Record
from tests.leaderboard.records import make_record

METRIC = "nDCG@10"
QUERIES = 120


def _records() -> list[Record]:
    """A first stage, four models at growing distance, and the two bounds."""
    draw = random.Random(23)
    base = [draw.random() * 0.6 for _ in range(QUERIES)]

    def better(by: float) -> list[float]:
        return [min(1.0, max(0.0, each + draw.gauss(by, 0.15))) for each in base]

    return [
        make_record("weak", {METRIC: better(0.0)}),
        make_record("good", {METRIC: better(0.1)}),
        make_record("bm25", {METRIC: base}, family="baseline"),
        make_record("close", {METRIC: better(0.11)}),
        make_record("best", {METRIC: better(0.2)}),
        make_record("oracle", {METRIC: [1.0] * QUERIES}, family="baseline", recipe={"order": "o"}),
        make_record("random", {METRIC: [0.1] * QUERIES}, family="baseline", recipe={"order": "r"}),
    ]


def _named(found: Significance) -> dict[str, SystemSignificance]:
    return {each.record.cell.reranker.name: each for each in found.standings}


def _differences(first: Record, second: Record) -> list[float]:
    mine, theirs = first.per_query[METRIC], second.per_query[METRIC]
    return [mine[each] - theirs[each] for each in sorted(mine)]


def test_p_against_the_first_stage_is_adjusted_over_the_models() -> None:
    records = _records()
    found = significance(records, METRIC)
    bm25 = records[2]
    assert found.reference is bm25
    models = [records[at] for at in (0, 1, 3, 4)]
    alone = [paired.randomisation_p(_differences(model, bm25)) for model in models]
    by_name = _named(found)
    against = [by_name[model.cell.reranker.name].against for model in models]
    assert [each.p for each in against if each] == alone
    assert [each.holm_p for each in against if each] == paired.holm(alone)
    assert found.tests == 4
    assert by_name["bm25"].against is None


def test_differences_carry_their_mean_interval_and_effect() -> None:
    records = _records()
    against = _named(significance(records, METRIC))["good"].against
    assert against is not None
    differences = _differences(records[1], records[2])
    assert against.delta == pytest.approx(fmean(differences))
    assert against.effect == pytest.approx(paired.effect_size(differences))
    alone = paired.bootstrap_interval(differences)
    assert against.interval is not None
    assert (against.interval.low, against.interval.high) == pytest.approx((alone.low, alone.high))


def test_tiers_and_ranks_follow_the_tests_of_all_pairs() -> None:
    records = _records()
    found = significance(records, METRIC)
    tested = [each for each in found.standings if each.tier]
    tested.sort(key=lambda each: -each.mean)
    pairs = list(combinations(range(len(tested)), 2))
    p = [
        paired.randomisation_p(_differences(tested[a].record, tested[b].record)) for a, b in pairs
    ]
    different = {pair for pair, each in zip(pairs, paired.holm(p), strict=True) if each <= ALPHA}
    assert found.pairs == len(pairs) == 10
    # The draw holds both outcomes, and a pair that only Holm keeps: else this would show nothing.
    assert 0 < len(different) < sum(each <= ALPHA for each in p) < len(pairs)
    for a, b in pairs:
        assert bool(set(tested[a].tier) & set(tested[b].tier)) == ((a, b) not in different)
    for at, each in enumerate(tested):
        better = sum((other, at) in different for other in range(at))
        worse = sum((at, other) in different for other in range(at, len(tested)))
        assert each.ranks == (1 + better, len(tested) - worse)


def test_oracle_and_random_have_an_interval_but_take_part_in_no_test() -> None:
    found = _named(significance(_records(), METRIC))
    for name in ("oracle", "random"):
        assert (found[name].tier, found[name].ranks, found[name].against) == ("", None, None)
        assert found[name].interval is not None
    without = _named(significance(_records()[:-2], METRIC))
    assert all(without[name].tier == found[name].tier for name in without)
    assert all(without[name].against == found[name].against for name in without)


def test_the_interval_of_a_mean_is_its_bootstrap() -> None:
    records = _records()
    interval = _named(significance(records, METRIC))["close"].interval
    alone = paired.bootstrap_interval([v for _, v in sorted(records[3].per_query[METRIC].items())])
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((alone.low, alone.high))


def test_order_of_records_and_of_queries_does_not_matter() -> None:
    records = _records()
    first = _named(significance(records, METRIC))
    turned = [
        replace(
            record,
            per_query={METRIC: dict(reversed(list(record.per_query[METRIC].items())))},
        )
        for record in reversed(records)
    ]
    second = _named(significance(turned, METRIC))
    for name, each in first.items():
        assert (each.tier, each.ranks) == (second[name].tier, second[name].ranks)
        assert (each.interval, each.against) == (second[name].interval, second[name].against)


def test_the_best_is_compared_in_the_family_of_all_pairs() -> None:
    found = significance(_records(), METRIC, reference="best")
    by_name = _named(found)
    assert found.reference is by_name["best"].record
    assert by_name["best"].against is None
    for name, each in by_name.items():
        if each.against is not None:
            apart = not set(each.tier) & set(by_name["best"].tier)
            assert (each.against.holm_p <= ALPHA) == apart, name
            assert each.against.delta < 0


def test_without_a_first_stage_there_are_tiers_but_no_differences() -> None:
    found = significance([*_records()[:2], *_records()[3:]], METRIC)
    assert found.reference is None
    assert found.tests == 0
    assert all(each.against is None for each in found.standings)
    assert _named(found)["best"].tier == "a"


def test_equal_systems_share_letter_and_ranks() -> None:
    values = [0.1, 0.9, 0.4] * 20
    found = significance(
        [make_record(name, {METRIC: values}) for name in ("one", "two", "three")], METRIC
    )
    assert {each.tier for each in found.standings} == {"a"}
    assert {each.ranks for each in found.standings} == {(1, 3)}


def test_a_single_query_has_no_interval_and_tells_nothing_apart() -> None:
    found = significance(
        [
            make_record("one", {METRIC: 0.9}),
            make_record("bm25", {METRIC: 0.1}, family="baseline"),
        ],
        METRIC,
    )
    one = found.standings[0]
    assert one.interval is None
    assert one.ranks == (1, 2)
    assert one.against is not None
    assert (one.against.holm_p, one.against.interval, one.against.effect) == (1.0, None, None)


def test_bounds_alone_are_not_tested() -> None:
    found = significance(_records()[-2:], METRIC)
    assert found.pairs == 0
    assert [each.tier for each in found.standings] == ["", ""]


def test_many_systems_get_more_permutations() -> None:
    draw = random.Random(3)
    records = [
        make_record(f"m{at}", {METRIC: [draw.random() for _ in range(20)]}) for at in range(15)
    ]
    assert significance(records, METRIC).permutations == 200 * 105
    assert significance(records[:3], METRIC).permutations == paired.PERMUTATIONS


def test_records_of_different_tasks_are_refused() -> None:
    with pytest.raises(UsageError, match="one collection"):
        significance([make_record("a"), make_record("b", collection="other")], METRIC)


def test_records_with_different_queries_or_metrics_are_refused() -> None:
    some = [make_record("a", {METRIC: [0.1, 0.2]}), make_record("b", {METRIC: [0.1]})]
    with pytest.raises(UsageError, match="'b' has no values"):
        significance(some, METRIC)
    with pytest.raises(UsageError, match="'a' has no values of MAP"):
        significance(some, "MAP")
