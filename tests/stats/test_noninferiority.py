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


def test_one_query_detects_nothing() -> None:
    assert noninferiority.detectable([0.1]) is None
