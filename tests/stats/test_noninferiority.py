"""The bound of a drop, its p and what can be detected, against scipy and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rerankbench.stats import noninferiority

DROPS = np.random.default_rng(7).choice([0.0, 0.0, 0.3, -0.2, 0.05], 200).tolist()


def test_the_bound_is_the_upper_end_of_scipys_percentile_bootstrap() -> None:
    found = noninferiority.upper_bound(DROPS)
    scipys = stats.bootstrap(
        (DROPS,),
        np.mean,
        n_resamples=20_000,
        confidence_level=0.95,
        alternative="less",
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert found == pytest.approx(scipys.high, abs=0.001)


def test_p_is_that_of_scipys_one_sided_permutation_test() -> None:
    drops = [0.4, 0.1, -0.2, 0.3, 0.25, 0.0, -0.05]

    def p(values: list[float]) -> float:
        found = stats.permutation_test(
            (values, [0.0] * len(values)),
            lambda a, b, axis=-1: np.mean(a - b, axis=axis),
            permutation_type="samples",
            alternative="greater",
            n_resamples=np.inf,
        )
        return float(found.pvalue)

    assert noninferiority.p_of_drop(drops) == pytest.approx(p(drops))
    risen = [-value for value in drops]
    assert noninferiority.p_of_drop(risen) >= 0.5
    assert noninferiority.p_of_drop(risen) == pytest.approx(p(risen), abs=0.04)


def test_what_is_called_detectable_is_found_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(3)
    queries, spread, rounds = 100, 0.2, 2000
    known = rng.normal(0, spread, queries)
    known *= spread / known.std(ddof=1)
    effect = noninferiority.detectable(known.tolist())
    assert effect is not None
    samples = rng.normal(effect, spread, (rounds, queries))
    found = stats.ttest_1samp(samples, 0, axis=1, alternative="greater").pvalue < 0.01
    assert found.mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.01 / 3, 0.01 / 20])
def test_the_fewest_queries_are_those_whose_test_can_reach_alpha(alpha: float) -> None:
    """Each query worse by half is as plain as a drop can be."""
    reached = [
        queries
        for queries in range(1, 16)
        if noninferiority.p_of_drop([0.5] * queries, permutations=2**15) <= alpha
    ]
    assert noninferiority.fewest(alpha) == min(reached)
    assert reached == list(range(min(reached), 16))


def test_fewer_queries_than_the_test_needs_detect_nothing() -> None:
    for drops in ([0.1], [0.5, 0.4], [0.5] * 6, [0.5, 0.5, 0.5, 0.5, 0.5, 0.499]):
        assert noninferiority.detectable(drops) is None
    assert noninferiority.detectable([0.5] * 8, alpha=0.01 / 3) is None
    assert noninferiority.detectable([0.0] * 100) is None
    assert noninferiority.detectable([]) is None


def test_equal_drops_have_no_spread_and_still_detect_no_drop_of_nothing() -> None:
    """At least seven queries must lose, each as much as these."""
    for queries in (7, 20, 300):
        found = noninferiority.detectable([0.5] * queries)
        assert found is not None
        assert found >= 0.95 * 7 * 0.5 / queries
    almost = [0.3 - 0.1, 0.2, *[0.1 + 0.1] * 18]
    assert noninferiority.detectable(almost) == pytest.approx(
        noninferiority.detectable([0.2] * 20)
    )


def _share_found(samples: np.ndarray, alpha: float = 0.01) -> float:
    """How often the gate's own test finds a drop."""
    return float(
        np.mean(
            [noninferiority.p_of_drop(row.tolist(), permutations=2000) <= alpha for row in samples]
        )
    )


@pytest.mark.parametrize("queries", [7, 8, 10, 20])
def test_few_noisy_queries_find_what_is_called_detectable(queries: int) -> None:
    rng = np.random.default_rng(5)
    known = rng.normal(0, 0.2, queries)
    known *= 0.2 / known.std(ddof=1)
    effect = noninferiority.detectable(known.tolist())
    assert effect is not None
    # 3.97 · s / √n, by the normal distribution's quantiles, would be found in hardly half of the
    # cases with seven queries. The formula is off most at eight: nine of ten in place of 95 %.
    assert _share_found(rng.normal(effect, 0.2, (400, queries))) >= 0.87


@pytest.mark.parametrize("queries", [8, 30, 300])
def test_drops_of_few_queries_are_found_where_they_are_called_detectable(queries: int) -> None:
    """One query moved by half: a change that costs so much in some others is to be found."""
    effect = noninferiority.detectable([0.5, *[0.0] * (queries - 1)])
    assert effect is not None
    rng = np.random.default_rng(6)
    share = min(1.0, effect / 0.5)
    assert _share_found(np.where(rng.random((400, queries)) < share, 0.5, 0.0)) >= 0.92


def test_students_quantiles_are_scipys() -> None:
    for freedom in (6, 9, 20, 300):
        for probability in (0.95, 0.99, 0.9995):
            found = noninferiority._student(probability, freedom)
            assert found == pytest.approx(stats.t.ppf(probability, freedom), rel=0.003)


@pytest.mark.parametrize(("queries", "needed"), [(7, 7), (8, 7), (300, 7), (7000, 12)])
def test_the_chance_of_a_query_is_that_of_clopper_and_pearson(queries: int, needed: int) -> None:
    found = noninferiority._chance(queries, needed, 0.95)
    assert found == pytest.approx(stats.beta.ppf(0.95, needed, queries - needed + 1))
