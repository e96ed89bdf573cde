"""Ratios of times, paired and apart."""

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
    assert held >= 950


def test_apart_the_bounds_are_those_of_the_ranges() -> None:
    found = ratios.apart([1.0, 1.1, 1.3], [1.5, 1.4, 2.0])
    assert found.median == pytest.approx(1.5 / 1.1)
    assert (found.low, found.high) == pytest.approx((1.4 / 1.3, 2.0))
