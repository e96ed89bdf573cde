"""The gate's verdicts, on records made to measure."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from rerankbench.errors import UsageError
from rerankbench.gate import quality
from rerankbench.gate.cells import match
from rerankbench.gate.limits import Limits, parse_drops, parse_share
from rerankbench.gate.quality import QualityVerdict
from rerankbench.gate.speed import Remeasurement
from rerankbench.gate.verdict import Gate, compare
from rerankbench.stats import noninferiority
from rerankbench.types import Record, Ties

from .records import record, timed

LIMITS = Limits(drops={"nDCG@10": 0.01})
DRAW = random.Random(11)
VALUES = [DRAW.choice([0.0, 0.3, 0.5, 1.0]) for _ in range(300)]


def _less(values: list[float], each: float) -> list[float]:
    return [value - each for value in values]


def _noisy(values: list[float], spread: float, drop: float = 0.0) -> list[float]:
    draw = random.Random(3)
    noise = [draw.gauss(0, spread) for _ in values]
    shift = sum(noise) / len(noise) + drop
    return [value + one - shift for value, one in zip(values, noise, strict=True)]


def _only(base: Record, new: Record, limits: Limits = LIMITS) -> QualityVerdict:
    (verdict,) = compare([base], [new], limits).quality
    return verdict


def test_identical_values_pass_at_once() -> None:
    verdict = _only(record(VALUES), record(VALUES))
    assert (verdict.outcome, verdict.difference, verdict.p) == ("same", 0.0, None)


def test_a_drop_within_the_margin_passes_and_beyond_it_fails() -> None:
    within = _only(record(VALUES), record(_noisy(VALUES, 0.02, drop=0.004)))
    assert within.outcome == "passed"
    assert within.difference == pytest.approx(-0.004)
    assert within.lower_bound is not None
    assert -0.01 < within.lower_bound < -0.004
    beyond = _only(record(VALUES), record(_noisy(VALUES, 0.02, drop=0.02)))
    assert beyond.outcome == "failed"
    assert len(beyond.worst) == 10
    assert beyond.worst[0].difference == min(
        after - before
        for before, after in zip(
            VALUES,
            record(_noisy(VALUES, 0.02, drop=0.02)).per_query["nDCG@10"].values(),
            strict=True,
        )
    )


def test_a_gain_passes_and_says_where_the_queries_are_too_few_to_rule_out_a_loss() -> None:
    few = _only(record([0.5, 0.2, 0.3]), record([0.9, 0.1, 0.4]))
    assert (few.outcome, few.why) == ("passed", "no drop; too few queries to rule one out")
    gain = _only(record(VALUES), record(_noisy(VALUES, 0.02, drop=-0.01)))
    assert (gain.outcome, gain.why) == ("passed", "no drop")


@pytest.mark.parametrize("swapped", [[0.1, 0.7], [0.1, 0.7, 0.3] * 30])
def test_equal_means_of_other_values_are_no_gain(swapped: list[float]) -> None:
    """What is left of a difference by rounding is none."""
    verdict = _only(record(swapped), record([*swapped[1:], swapped[0]]))
    assert verdict.difference == pytest.approx(0, abs=1e-12)
    assert (verdict.outcome, verdict.why) == (
        "unclear",
        "the mean is the same, but too few queries to rule out a drop",
    )


def test_too_few_queries_to_tell_is_said_and_is_no_failure() -> None:
    gate = compare([record(VALUES)], [record(_noisy(VALUES, 0.5, drop=0.01))], LIMITS)
    (verdict,) = gate.quality
    assert verdict.outcome == gate.conclusion == "unclear"
    assert verdict.detectable is not None
    assert verdict.detectable > 0.01
    assert verdict.why == "the drop may be chance: too few queries to tell"


def test_a_plain_loss_fails_even_with_few_queries() -> None:
    verdict = _only(record(VALUES[:20]), record(_noisy(VALUES[:20], 0.2, drop=0.4)))
    assert verdict.detectable is not None
    assert verdict.detectable > LIMITS.drops["nDCG@10"]
    assert verdict.outcome == "failed"


def _worse_by_half(queries: int, reranker: str = "model") -> tuple[Record, Record]:
    return record([1.0] * queries, reranker), record([0.5] * queries, reranker)


@pytest.mark.parametrize("queries", [1, 2, 6])
def test_so_few_queries_that_no_drop_can_be_shown_say_how_many_it_takes(queries: int) -> None:
    verdict = _only(*_worse_by_half(queries))
    assert (verdict.outcome, verdict.detectable, verdict.needs) == ("unclear", None, 7)
    assert verdict.holm_p == 0.5**queries
    assert verdict.why == (
        "the drop may be chance: too few queries to tell "
        f"({queries} cannot make any drop significant; it takes 7)"
    )


def test_seven_queries_worse_by_half_fail() -> None:
    verdict = _only(*_worse_by_half(7))
    assert (verdict.outcome, verdict.holm_p, verdict.needs) == ("failed", 1 / 128, 7)
    assert verdict.detectable is not None
    assert 0.49 < verdict.detectable <= 0.5


def test_no_drop_beyond_the_whole_value_is_called_detectable() -> None:
    swapped = [0.8, 0.4] * 4
    base, new = record(swapped[:7]), record(swapped[1:])
    verdict = _only(base, new)
    assert (verdict.outcome, verdict.detectable) == ("unclear", None)
    drops = [a - b for a, b in pairwise(swapped)]
    assert (noninferiority.detectable(drops) or 0.0) > 1.0


@pytest.mark.parametrize(("cells", "needs"), [(1, 7), (2, 8), (3, 9), (20, 11), (100, 14)])
def test_more_cells_take_more_queries(cells: int, needs: int) -> None:
    """Holm holds the least p of each against that many tests; equal cells show it at its edge."""
    for queries, outcome in ((needs - 1, "unclear"), (needs, "failed")):
        pairs = [_worse_by_half(queries, f"model-{number}") for number in range(cells)]
        verdicts = compare(
            [one for one, _ in pairs], [other for _, other in pairs], LIMITS
        ).quality
        assert {verdict.outcome for verdict in verdicts} == {outcome}
        assert {verdict.needs for verdict in verdicts} == {needs}
        assert {verdict.detectable is None for verdict in verdicts} == {outcome == "unclear"}


def test_cells_that_stayed_the_same_are_no_tests() -> None:
    base = [record([1.0] * 7, name) for name in ("one", "two", "three")]
    new = [*base[:2], record([0.5] * 7, "three")]
    verdicts = {each.name.reranker: each for each in compare(base, new, LIMITS).quality}
    assert verdicts["three"].outcome == "failed"
    assert (verdicts["one"].needs, verdicts["one"].detectable) == (None, None)


def test_a_loss_of_few_queries_among_many_says_how_many_must_change() -> None:
    verdict = _only(record([1.0] * 300), record([0.0] * 6 + [1.0] * 294))
    assert verdict.outcome == "unclear"
    assert verdict.why == (
        "the drop may be chance: too few queries to tell (only 6 of 300 changed; it takes 7)"
    )
    assert verdict.detectable is not None
    assert verdict.difference is not None
    assert verdict.detectable > -verdict.difference
    assert _only(record([1.0] * 300), record([0.0] * 7 + [1.0] * 293)).outcome == "failed"


@pytest.mark.parametrize("queries", [1, 4, 5])
def test_fewer_than_five_queries_have_no_bound(queries: int) -> None:
    verdict = _only(record([0.5] * queries), record([0.75] * queries))
    assert (verdict.outcome, verdict.difference) == ("passed", 0.25)
    assert verdict.lower_bound == (None if queries < 5 else 0.25)
    assert verdict.why == (
        "no drop" if queries == 5 else "no drop; too few queries to rule one out"
    )


def test_a_gate_of_thousands_of_cells_can_still_fail() -> None:
    """Each further test takes more sign patterns, or no p would be small enough after Holm."""
    for tests in (1, 20, 2_000, 5_000):
        assert tests / (2 * (quality._patterns(tests) + 1)) <= quality.ALPHA


def test_many_cells_are_adjusted_for_one_another() -> None:
    """A drop that alone would be significant is not among twenty equal ones."""
    few, lower = VALUES[:30], _noisy(VALUES[:30], 0.3, drop=0.16)
    alone = _only(record(few), record(lower))
    assert alone.outcome == "failed"
    names = [f"model-{number}" for number in range(20)]
    other = _noisy(few, 0.3, drop=0.001)
    base = [record(few, name) for name in names]
    new = [record(lower if name == "model-0" else other, name) for name in names]
    verdicts = compare(base, new, LIMITS).quality
    assert {verdict.outcome for verdict in verdicts} == {"unclear"}
    assert verdicts[0].p == alone.p
    assert verdicts[0].holm_p == pytest.approx(20 * (alone.p or 0))


def test_a_small_drop_fails_where_something_else_points_to_a_fault() -> None:
    """Rounding moves no pair's length and makes no ties; other texts and saturation do."""
    base, new = record(VALUES), record(_noisy(VALUES, 0.5, drop=0.01))
    better = record(_noisy(VALUES, 0.5, drop=-0.01))
    ties = Ties(rate=0.7, worst=0.4, best=0.6)
    other_key = replace(new, truncated_pairs=7, quality_key="another model's")
    for changed, outcome, why in (
        (new, "unclear", "too few queries to tell"),
        (
            replace(new, truncated_pairs=7),
            "failed",
            "0 pairs were cut to the model's length before",
        ),
        (replace(new, scored_pairs=7), "failed", "and 7 now with the same settings, which points"),
        (
            replace(new, ties=ties),
            "failed",
            "equal scores rose from 0.0% to 70.0%, which points to rounded or saturated scores",
        ),
        (other_key, "unclear", "too few queries to tell"),
        (replace(better, truncated_pairs=7), "passed", "no drop"),
    ):
        verdict = _only(base, changed)
        assert verdict.outcome == outcome
        assert why in verdict.why
    assert _only(replace(base, ties=ties), replace(new, ties=ties)).signs == ()
    within = replace(record(_noisy(VALUES, 0.02, drop=0.004)), truncated_pairs=7)
    assert _only(base, within).outcome == "passed"


def test_changed_work_is_refused_and_fails_the_gate() -> None:
    gate = compare(
        [record(VALUES)], [record(VALUES, first_stage_parameters={"k1": 1.2, "b": 0.75})], LIMITS
    )
    (verdict,) = gate.quality
    assert verdict.why == "not the same task: first-stage parameters changed"
    assert (verdict.outcome, gate.conclusion) == ("refused", "failed")
    assert [(each.fact, each.base, each.new) for each in gate.drift] == [
        ("first stage b", "0.4", "0.75"),
        ("first stage k1", "0.9", "1.2"),
    ]


def test_a_metric_that_is_not_there_is_refused() -> None:
    limits = Limits(drops=parse_drops(["MRR@10=0.01"]))
    assert "MRR@10 is not in the base record" in _only(record(), record(), limits).why


def test_missing_cells_fail_and_new_ones_do_not() -> None:
    one, two = record(VALUES, "one"), record(VALUES, "two")
    lost = compare([one, two], [one], LIMITS)
    assert ([name.reranker for name in lost.missing], lost.conclusion) == (["two"], "failed")
    more = compare([one], [one, two], LIMITS)
    assert ([name.reranker for name in more.added], more.conclusion) == (["two"], "passed")
    with pytest.raises(UsageError, match="no cell is in both"):
        compare([one], [two], LIMITS)


def test_of_several_records_those_of_one_machine_and_the_newest_are_taken() -> None:
    base = [
        record([0.1], started_at="2026-01-01", machine="a"),
        record([0.2], started_at="2026-01-02", machine="b"),
        record([0.3], started_at="2026-01-03", machine="a"),
    ]
    (change,) = match(base, [record([0.4], machine="a")]).both
    assert change.base is base[2]


def _speeds(base: list[float], new: list[float], **options: str) -> Gate:
    before = timed(record(VALUES), base, 1000)
    return compare([before], [timed(record(VALUES, **options), new, 1000)], LIMITS)


def test_slower_with_all_of_the_interval_fails() -> None:
    gate = _speeds([1.0, 1.01, 1.02], [1.5, 1.51, 1.52])
    speed, memory = gate.speed
    assert (speed.kind, speed.outcome, gate.conclusion) == ("docs/s", "failed", "failed")
    assert speed.times is not None
    assert speed.times.median == pytest.approx(1.51 / 1.01)
    assert (speed.base, speed.new) == pytest.approx((100 / 1.01, 100 / 1.51))
    assert memory.outcome == "passed"


@pytest.mark.parametrize(
    ("base", "new"),
    [([1.0, 1.01, 1.02], [1.08, 1.09, 1.1]), ([1.2, 1.2, 1.2], [1.0, 1.0, 1.0])],
)
def test_what_the_limit_allows_passes(base: list[float], new: list[float]) -> None:
    speed, _ = _speeds(base, new).speed
    assert (speed.outcome, speed.why) == ("passed", "within the limit")


def test_slower_within_the_noise_is_no_verdict_but_a_question() -> None:
    # Each alone without noise, but the machine may have drifted in between.
    gate = _speeds([1.0, 1.0, 1.0], [1.2, 1.2, 1.2])
    speed, _ = gate.speed
    assert (speed.outcome, gate.conclusion) == ("unclear", "unclear")
    assert speed.why == "above the limit, but within noise and drift; use --remeasure 10"
    again = Remeasurement(base_s=((1.0,),) * 6, new_s=((1.2,),) * 5 + ((1.0,),), pairs=100)
    before, after = timed(record(VALUES), [1.0] * 3), timed(record(VALUES), [1.0] * 3)
    name = match([before], [after]).both[0].name
    (speed,) = compare([before], [after], LIMITS, remeasured={name: again}).speed
    assert speed.outcome == "unclear"
    assert speed.why == "above the limit, but so is the noise; measure more rounds"


@pytest.mark.parametrize(
    ("loads", "slower", "outcome"),
    [
        ((0.0, 0.9), 1.5, "unclear"),
        ((0.9, 0.0), 1.5, "failed"),
        ((0.9, 0.0), 1.0, "unclear"),
        ((0.0, 0.9), 1.0, "passed"),
        ((None, 0.1), 1.5, "failed"),
    ],
)
def test_a_busy_machine_convicts_no_new_and_clears_no_base(
    loads: tuple[float | None, float], slower: float, outcome: str
) -> None:
    base, new = (
        timed(record(VALUES), [factor * each for each in (1.0, 1.01, 1.02)], 1000)
        for factor in (1.0, slower)
    )
    base, new = (
        replace(each, measurements=replace(each.measurements, foreign_load=load))
        for each, load in zip((base, new), loads, strict=True)
    )
    speed, memory = compare([base], [new], LIMITS).speed
    assert (speed.outcome, memory.outcome) == (outcome, "passed")
    again = Remeasurement(base_s=((1.0,),) * 6, new_s=((slower,),) * 6, pairs=100)
    remeasured = {match([base], [new]).both[0].name: again}
    (speed,) = compare([base], [new], LIMITS, remeasured=remeasured).speed
    assert speed.outcome == ("failed" if slower > 1.1 else "passed")


def test_speeds_of_two_machines_are_refused() -> None:
    speed, memory = _speeds([1.0] * 3, [1.0] * 3, machine="other").speed
    assert {speed.outcome, memory.outcome} == {"refused"}
    assert "different machines" in speed.why
    assert speed.times is None


def test_remeasured_times_stand_in_for_those_of_the_records() -> None:
    base = [timed(record(VALUES), [1.0] * 3)]
    new = [timed(record(VALUES, machine="other"), [9.0] * 3)]
    name = match(base, new).both[0].name
    drifting = [1.0, 1.5, 2.0, 1.2, 1.1, 1.0]
    for factor, outcome in ((1.0, "passed"), (1.2, "failed")):
        again = Remeasurement(
            base_s=tuple((each, 2 * each, each) for each in drifting),
            new_s=tuple((factor * each, factor * 2 * each, factor * each) for each in drifting),
            pairs=100,
        )
        (speed,) = compare(base, new, LIMITS, remeasured={name: again}).speed
        assert speed.outcome == outcome
        assert (speed.base, speed.new) == pytest.approx((100 / 1.15, 100 / 1.15 / factor))


@pytest.mark.parametrize("kind", ["memory", "device memory"])
def test_remeasured_memory_needs_factor_and_interval(kind: str) -> None:
    base, new = timed(record(VALUES), [1.0] * 3, 1000), timed(record(VALUES), [1.0] * 3, 5000)
    name = match([base], [new]).both[0].name
    peaks = (1000, 1010, 1005, 990, 1000, 1020)
    for grown, outcome in (
        (tuple(round(1.15 * each) for each in peaks), "failed"),
        ((1150, 1150, 1150, 1150, 1150, 900), "unclear"),
        (tuple(round(1.05 * each) for each in peaks), "passed"),
    ):
        where = "_device_bytes" if kind == "device memory" else "_bytes"
        again = Remeasurement(
            base_s=((1.0,),) * 6,
            new_s=((1.0,),) * 6,
            pairs=100,
            **{f"base{where}": peaks, f"new{where}": grown},
        )
        _, memory = compare([base], [new], LIMITS, remeasured={name: again}).speed
        assert (memory.kind, memory.outcome) == (kind, outcome)


def test_memory_that_was_read_once_is_no_verdict_but_a_question() -> None:
    before = timed(record(VALUES), [1.0] * 3, 1000)
    after = timed(record(VALUES), [1.0] * 3, 1200)
    gate = compare([before], [after], LIMITS)
    assert [verdict.outcome for verdict in gate.speed] == ["passed", "unclear"]
    assert gate.conclusion == "unclear"


def test_speed_and_memory_are_left_out_where_they_are_to_be_ignored() -> None:
    limits = replace(LIMITS, slowdown=None, growth=None)
    before = timed(record(VALUES), [1.0] * 3, 1000)
    assert compare([before], [timed(record(VALUES), [9.0] * 3, 9000)], limits).speed == ()


def test_packages_and_revisions_that_changed_are_named_once() -> None:
    base = [record(VALUES, name) for name in ("one", "two")]
    new = [
        replace(
            each,
            environment=replace(each.environment, packages={"torch": "2"}, git_sha="abc"),
            cell=replace(each.cell, reranker=replace(each.cell.reranker, revision="2")),
        )
        for each in base
    ]
    found = {
        (each.fact, each.base, each.new, each.cells) for each in compare(base, new, LIMITS).drift
    }
    assert found == {
        ("environment git_sha", "none", "abc", 2),
        ("model revision", "1", "2", 2),
        ("package torch", "none", "2", 2),
    }


@pytest.mark.parametrize("text", ["nDCG@10", "nDCG@10=", "nDCG@10=x", "nDCG@10=-1", "=0.1", "a=2"])
def test_margins_are_checked(text: str) -> None:
    with pytest.raises(UsageError):
        parse_drops([text])


def test_shares_are_read_from_percent_and_number() -> None:
    assert parse_share("--max-slowdown", "10%") == parse_share("--max-slowdown", "0.1") == 0.1
    with pytest.raises(UsageError, match="--max-slowdown ten: expected a share, such as 10%"):
        parse_share("--max-slowdown", "ten")
