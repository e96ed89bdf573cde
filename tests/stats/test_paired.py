"""Paired comparisons against scipy, ranx and plain loops."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.stats import paired

# Like the differences of nDCG@10: many zeros, many values that occur more than once.
DIFFERENCES = st.lists(
    st.one_of(
        st.sampled_from([0.0, 0.1, 0.2, -0.3]), st.integers(-1000, 1000).map(lambda n: n / 1000)
    ),
    min_size=1,
    max_size=9,
)


def _plain_p(differences: Sequence[float]) -> float:
    """All 2^n sign patterns, one by one."""
    observed = abs(math.fsum(differences))
    sums = [
        abs(math.fsum(sign * each for sign, each in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(differences))
    ]
    return sum(one >= observed - 1e-9 for one in sums) / len(sums)


def _draw(seed: int, queries: int, mean: float = 0.0) -> list[float]:
    draw = random.Random(seed)
    return [draw.choice([0, 0, 1]) * draw.gauss(mean, 0.2) for _ in range(queries)]


@given(DIFFERENCES)
@settings(max_examples=60)
def test_few_differences_have_the_p_of_all_sign_patterns(differences: list[float]) -> None:
    assert paired.randomisation_p(differences) == pytest.approx(_plain_p(differences))


@pytest.mark.parametrize("queries", [3, 8, 12])
def test_exact_p_is_that_of_scipy(queries: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    differences = [round(each, 1) for each in _draw(queries, queries, mean=0.2)]
    theirs = stats.permutation_test(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=10**5,
    )
    assert paired.randomisation_p(differences) == pytest.approx(theirs.pvalue, abs=1e-12)


@pytest.mark.parametrize("mean", [0.0, 0.05, 0.09])
def test_sampled_p_is_that_of_scipy_within_sampling_error(mean: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    differences = _draw(3, 200, mean=mean)
    theirs = stats.permutation_test(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(1),
    ).pvalue
    ours = paired.randomisation_p(differences, permutations=20_000)
    # Four standard errors of the difference of two shares; scipy doubles the smaller tail.
    assert ours == pytest.approx(theirs, abs=4 * math.sqrt(3 * theirs * (1 - theirs) / 20_000))


def test_sampled_p_is_that_of_ranx_within_sampling_error() -> None:
    ranx_tests = pytest.importorskip("ranx.statistical_tests")
    draw = random.Random(5)
    # Sixteenths and a power of two: ranx, which allows for no rounding, has nothing to round.
    first = np.array([draw.randint(0, 16) / 16 for _ in range(64)])
    second = np.array([draw.randint(0, 20) / 16 for _ in range(64)])
    theirs, _ = ranx_tests.fisher_randomization_test(first, second, n_permutations=20_000)
    ours = paired.randomisation_p((first - second).tolist(), permutations=20_000)
    assert 0.001 < theirs < 0.5
    assert ours == pytest.approx(theirs, abs=4 * math.sqrt(2 * theirs * (1 - theirs) / 20_000))


def test_no_p_is_zero_and_the_observed_pattern_counts() -> None:
    assert paired.randomisation_p([0.5] * 200, permutations=999) == 1 / 1000
    assert paired.randomisation_p([0.5] * 5) == 2 / 32


def test_equal_systems_have_a_p_of_one() -> None:
    assert paired.randomisation_p([0.0] * 50) == 1.0
    assert paired.randomisation_p([]) == 1.0


def test_sums_that_only_rounding_parts_are_equal() -> None:
    # 0.1 + 0.2 - 0.3 is 5.6e-17 in floats, and 0.3 - 0.2 - 0.1 is -2.8e-17.
    assert paired.randomisation_p([0.1, 0.2, -0.3]) == 1.0
    many = [0.1, 0.2, -0.3] * 20
    assert paired.randomisation_p(many) == 1.0


def test_queries_without_a_difference_change_no_exact_p() -> None:
    some = [0.3, -0.1, 0.4, 0.2]
    assert paired.randomisation_p([*some, *[0.0] * 300]) == paired.randomisation_p(some)


def test_p_depends_on_the_seed_alone() -> None:
    differences = _draw(1, 150, mean=0.03)
    first = paired.randomisation_p(differences)
    assert paired.randomisation_p(differences) == first
    assert paired.randomisation_p(differences, seed=1) != first
    # The size of the values is no part of the question.
    assert paired.randomisation_p([each * 1000 for each in differences]) == pytest.approx(
        first, abs=3e-4
    )


def test_pairs_of_a_matrix_are_tested_as_they_would_be_alone() -> None:
    draw = random.Random(2)
    values = [[draw.randint(0, 64) / 64 for _ in range(120)] for _ in range(6)]
    values.append(values[0])
    values.append([*values[0][:-2], 0.0, 0.0])
    p = paired.pairwise_p(values, permutations=2000)
    assert np.array_equal(p, p.T)
    assert np.array_equal(np.diag(p), np.ones(8))
    for a, b in itertools.combinations(range(8), 2):
        differences = [x - y for x, y in zip(values[a], values[b], strict=True)]
        assert p[a, b] == paired.randomisation_p(differences, permutations=2000)


def test_sign_patterns_are_those_of_the_bits() -> None:
    # A plain loop over PCG64's words, least significant bit first within each byte's order.
    differences = _draw(4, 70, mean=0.05)
    words = np.random.PCG64(0).random_raw(2 * 500).reshape(500, 2)
    observed = abs(math.fsum(differences))
    reached = 0
    for row in words:
        raw = b"".join(int(word).to_bytes(8, "little") for word in row)
        bits = "".join(f"{byte:08b}" for byte in raw)
        signed = (d if bit == "1" else -d for d, bit in zip(differences, bits, strict=False))
        reached += abs(math.fsum(signed)) >= observed - 1e-9
    assert paired.randomisation_p(differences, permutations=500) == (reached + 1) / 501


def test_bootstrap_interval_is_that_of_scipy_within_sampling_error() -> None:
    stats = pytest.importorskip("scipy.stats")
    values = [abs(each) for each in _draw(6, 300, mean=0.5)]
    theirs = stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, rng=np.random.default_rng(0)
    )
    ours = paired.bootstrap_interval(values)
    # A 2.5th percentile of 10,000 figures is known to about 0.027 of their standard deviation.
    tolerance = 5 * 0.027 * float(theirs.standard_error)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=tolerance)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=tolerance)


def test_bootstrap_draws_every_query_equally_often() -> None:
    queries = 37
    # With one query at 1 and the others at 0 the mean is the share of draws that took it.
    means = paired.bootstrap_means(np.eye(queries), resamples=4000)
    assert means.shape == (queries, 4000)
    assert np.allclose(means.sum(axis=0), 1.0)
    counts = means * queries
    assert np.allclose(counts, np.rint(counts))
    # Five standard errors of the mean and of the variance of a binomial count.
    assert np.allclose(counts.mean(axis=1), 1.0, atol=5 / math.sqrt(4000))
    assert np.allclose(counts.var(axis=1), 1 - 1 / queries, atol=0.2)


def test_bootstrap_of_a_difference_is_the_difference_of_the_bootstraps() -> None:
    first, second = _draw(7, 90, mean=0.5), _draw(8, 90, mean=0.3)
    means = paired.bootstrap_means([first, second])
    of_both = paired.percentile_interval(means[0] - means[1])
    alone = paired.bootstrap_interval([a - b for a, b in zip(first, second, strict=True)])
    assert (of_both.low, of_both.high) == pytest.approx((alone.low, alone.high))


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = paired.bootstrap_interval([0.25] * 40)
    assert (found.low, found.high) == (0.25, 0.25)
    assert paired.bootstrap_interval([0.7]) == paired.Interval(low=0.7, high=0.7)


def test_an_interval_of_nothing_or_of_no_confidence_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        paired.bootstrap_interval([])
    with pytest.raises(ValueError, match="confidence"):
        paired.bootstrap_interval([1.0, 2.0], confidence=1.0)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_rejects_what_the_steps_of_its_paper_reject(p_values: list[float]) -> None:
    adjusted = paired.holm(p_values)
    for alpha in (0.01, 0.05, 0.3):
        rejected = set()
        for step, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[at] * (len(p_values) - step) > alpha:
                break
            rejected.add(at)
        assert {at for at, p in enumerate(adjusted) if p <= alpha} == rejected
    assert all(p <= new <= 1 for p, new in zip(p_values, adjusted, strict=True))


def test_holm_keeps_the_order_and_never_falls() -> None:
    assert paired.holm([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.09, 0.04, 0.09, 0.5])
    assert paired.holm([0.6, 0.7]) == [1.0, 1.0]


def test_effect_size_is_the_mean_in_standard_deviations() -> None:
    differences = _draw(9, 40, mean=0.2)
    expected = statistics.fmean(differences) / statistics.stdev(differences)
    assert paired.effect_size(differences) == pytest.approx(expected)


def test_effect_size_without_spread_has_no_meaning() -> None:
    assert paired.effect_size([0.0] * 5) == 0.0
    assert paired.effect_size([0.3 - 0.2, 0.2 - 0.1, 0.1]) is None
    assert paired.effect_size([0.4]) is None
    assert paired.effect_size([]) is None
