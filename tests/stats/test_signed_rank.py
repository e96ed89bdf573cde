"""The Hodges–Lehmann estimator and its interval, against scipy and a count of all patterns."""

from __future__ import annotations

import random
from itertools import product
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rerankbench.stats import signed_rank

VALUES = st.lists(st.floats(-100, 100, allow_subnormal=False), min_size=6, max_size=12)


@given(VALUES)
def test_the_estimate_is_the_median_of_the_means_of_all_pairs(values: list[float]) -> None:
    n = len(values)
    means = [(values[i] + values[j]) / 2 for i in range(n) for j in range(i, n)]
    assert signed_rank.estimate(values) == pytest.approx(median(means))


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("count", [3, 5, 6, 7, 10, 13])
def test_the_interval_holds_what_the_test_of_scipy_does_not_reject(
    count: int, confidence: float
) -> None:
    """A centre inside has a two-sided exact p above 1 - confidence, one outside has not."""
    draw = random.Random(count)
    values = [draw.gauss(1, 1) for _ in range(count)]
    found = signed_rank.interval(values, confidence)
    tightest = 2 * 0.5**count
    assert (found is None) == (tightest > 1 - confidence)
    if found is None:
        return
    low, high = found
    step = 1e-6
    for centre, inside in ((low + step, True), (low - step, False), (high - step, True)):
        shifted = [value - centre for value in values]
        p = stats.wilcoxon(shifted, method="exact").pvalue
        assert (p > 1 - confidence) == inside, (centre, p)


def test_the_number_of_ways_is_that_of_all_patterns() -> None:
    for count in range(1, 9):
        sums = [
            sum(rank for rank, plus in enumerate(signs, start=1) if plus)
            for signs in product((0, 1), repeat=count)
        ]
        expected = [sums.count(total) for total in range(max(sums) + 1)]
        assert signed_rank._rank_sums(count) == expected


def test_the_interval_holds_the_centre_as_often_as_it_says() -> None:
    draw = random.Random(3)
    held = 0
    for _ in range(2000):
        values = [draw.gauss(5, 1) for _ in range(10)]
        low, high = signed_rank.interval(values) or (0.0, 0.0)
        held += low <= 5 <= high
    # 95.1 % exactly: 1903, and three standard deviations of 10.
    assert 1873 <= held <= 1933


def test_exactly_that_confidence_is_enough() -> None:
    """Of three values the centre lies beyond the outermost in 2 of 8 cases."""
    assert signed_rank.interval([1.0, 2.0, 4.0], 0.75) == (1.0, 4.0)
    assert signed_rank.interval([1.0, 2.0, 4.0], 0.76) is None


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        signed_rank.estimate([])
    with pytest.raises(ValueError, match="between 0 and 1"):
        signed_rank.interval([1.0], 1.0)
    assert signed_rank.interval([]) is None
