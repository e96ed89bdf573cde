"""Ratios of times: paired, in rounds, and apart."""

from __future__ import annotations

import random

import pytest

from rerankbench.stats import ratios


def test_a_drift_that_touches_both_of_a_pair_cancels() -> None:
    base = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    found = ratios.paired(base, [1.25 * each for each in base])
    assert (found.median, found.low, found.high) == pytest.approx((1.25, 1.25, 1.25))


def test_fewer_than_six_pairs_have_no_interval() -> None:
    assert ratios.paired([1.0] * 5, [1.1] * 5).low is None
    assert ratios.paired([1.0] * 6, [1.1] * 6).low == pytest.approx(1.1)


def test_base_and_new_exchanged_give_the_inverse() -> None:
    draw = random.Random(4)
    base = [draw.lognormvariate(0, 0.2) for _ in range(9)]
    new = [draw.lognormvariate(0.1, 0.2) for _ in range(9)]
    one, other = ratios.paired(base, new), ratios.paired(new, base)
    assert one.low is not None
    assert (one.median, one.low) == pytest.approx((1 / other.median, 1 / (other.high or 0)))


def test_the_interval_holds_the_true_ratio_as_often_as_it_says() -> None:
    draw = random.Random(5)
    held = 0
    for _ in range(1000):
        base = [draw.lognormvariate(0, 0.1) for _ in range(10)]
        new = [1.2 * draw.lognormvariate(0, 0.1) for _ in range(10)]
        found = ratios.paired(base, new)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1.2 <= found.high
    # 95.1 % exactly: 951, and three standard deviations of 7.
    assert 930 <= held <= 972


def test_a_round_counts_once_however_many_pairs_it_has() -> None:
    """One round with bad luck in all its pairs does not outvote the five others."""
    base = [[1.0] * 50] + [[1.0] * 12] * 5
    new = [[2.0] * 50] + [[1.1] * 11 + [9.0]] * 5  # And a burst in one pass.
    found = ratios.in_rounds(base, new)
    one_each = ratios.paired([1.0] * 6, [2.0, 1.1, 1.1, 1.1, 1.1, 1.1])
    assert (found.low, found.high) == pytest.approx((one_each.low, one_each.high))
    assert found.median == pytest.approx(1.1)


def test_within_a_round_pairs_are_pairs() -> None:
    """Load that comes and goes within a round touches neighbours alike."""
    drifting = [1.0, 3.0, 9.0, 2.0]
    found = ratios.in_rounds([drifting] * 6, [[1.2 * each for each in drifting]] * 6)
    assert (found.low, found.high) == pytest.approx((1.2, 1.2))


def test_apart_the_bounds_are_those_of_the_ranges_and_of_drift() -> None:
    found = ratios.apart([1.0, 1.1, 1.3], [1.5, 1.4, 2.0])
    assert found.median == pytest.approx(1.5 / 1.1)
    assert (found.low, found.high) == pytest.approx((1.4 / 1.3 / 1.25, 2.0 * 1.25))
