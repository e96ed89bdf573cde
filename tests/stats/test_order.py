"""Percentiles by nearest rank, and their order-statistic intervals."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.stats import order

VALUES = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=60)


def test_percentile_is_the_nearest_rank() -> None:
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    found = [order.percentile(values, p) for p in (5, 30, 40, 50, 100)]
    assert found == [15.0, 20.0, 20.0, 35.0, 50.0]


def test_percentile_ignores_the_order_of_the_values() -> None:
    assert order.percentile([3.0, 1.0, 2.0], 50) == 2.0


@given(VALUES, st.integers(min_value=1, max_value=100))
def test_percentile_is_the_smallest_value_that_enough_do_not_exceed(
    values: list[float], p: int
) -> None:
    found = order.percentile(values, p)
    assert found in values
    assert 100 * sum(value <= found for value in values) >= p * len(values)
    assert 100 * sum(value < found for value in values) < p * len(values)


def test_percentile_takes_the_decimal_that_was_written() -> None:
    assert [order.nearest_rank(1000, p) for p in (99.9, 0.1, 70.1)] == [999, 1, 701]


@pytest.mark.parametrize("p", [0, -1, 100.1])
def test_percentile_outside_its_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 100"):
        order.percentile([1.0], p)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        order.percentile([], 50)
    with pytest.raises(ValueError, match="no values"):
        order.median([])


def test_median_lies_between_the_two_in_the_middle() -> None:
    assert order.median([4.0, 1.0, 2.0, 3.0]) == 2.5


def test_interval_of_p90_of_fifty_runs_from_the_40th_to_the_49th() -> None:
    assert order.percentile_interval_ranks(50, 90) == (40, 49)
    values = [float(number) for number in range(50, 0, -1)]
    assert order.percentile_interval(values, 90) == (40.0, 49.0)


@pytest.mark.parametrize("p", [1, 10, 50, 90, 99])
@pytest.mark.parametrize("count", [2, 6, 29, 50, 459, 2000])
def test_interval_is_the_shortest_that_the_binomial_distribution_allows(
    count: int, p: int
) -> None:
    binom = pytest.importorskip("scipy.stats").binom
    below = binom.cdf(range(count + 1), count, p / 100)
    found = order.percentile_interval_ranks(count, p)
    if found is None:
        assert below[count - 1] - below[0] < 0.95
        return
    lower, upper = found
    assert below[upper - 1] - below[lower - 1] >= 0.95 - 1e-9
    shorter = upper - lower - 1
    assert all(
        below[start + shorter - 1] - below[start - 1] < 0.95
        for start in range(1, count - shorter + 1)
        if shorter
    )


def test_interval_holds_the_true_percentile_as_often_as_it_says() -> None:
    draw = random.Random(7)
    trials = 4000
    held = 0
    for _ in range(trials):
        interval = order.percentile_interval([draw.random() for _ in range(50)], 90)
        assert interval is not None
        held += interval[0] <= 0.9 <= interval[1]
    # The exact coverage of ranks 40 and 49 is 0.9569; three standard errors are 0.0096.
    assert held / trials == pytest.approx(0.9569, abs=0.0097)


@pytest.mark.parametrize(("count", "p"), [(0, 50), (1, 50), (5, 50), (28, 90), (298, 99)])
def test_too_few_values_have_no_interval(count: int, p: int) -> None:
    assert order.percentile_interval([1.0] * count, p) is None


@pytest.mark.parametrize(("count", "p"), [(6, 50), (29, 90), (299, 99)])
def test_the_fewest_values_with_an_interval_need_the_greatest(count: int, p: int) -> None:
    found = order.percentile_interval_ranks(count, p)
    assert found is not None
    assert found[1] == count


def test_interval_arguments_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        order.percentile_interval([1.0, 2.0], 100)
    with pytest.raises(ValueError, match="confidence"):
        order.percentile_interval([1.0, 2.0], 50, confidence=1.0)
