"""Ratings against other ways to the same maximum, and where there is none."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from rerankbench.stats.bradley_terry import ELO_PER_UNIT, MEAN_RATING, FloatArray, fit, has_maximum

# Games, ties as halves; no table of them lacks a maximum.
TABLES = [
    np.array([[0, 3], [1, 0]], dtype=float),
    np.array([[0, 7, 4.5], [3, 0, 8], [5.5, 2, 0]]),
    # Not all have met, and the numbers of games differ.
    np.array([[0, 300, 0, 1], [200, 0, 40, 0], [0, 10, 0, 6.5], [9, 0, 3.5, 0]]),
    np.random.default_rng(1).integers(0, 60, (9, 9)) / 2 * (1 - np.eye(9)),
]


def by_hunter(points: FloatArray) -> FloatArray:
    """The MM algorithm of Hunter, "MM algorithms for generalized Bradley-Terry models", 2004."""
    players = len(points)
    strength = [1.0] * players
    for _ in range(20_000):
        raised = []
        for i in range(players):
            met = sum(
                (points[i, j] + points[j, i]) / (strength[i] + strength[j])
                for j in range(players)
                if j != i
            )
            raised.append(points[i].sum() / met)
        strength = [each / sum(raised) for each in raised]
    logs = np.log(strength)
    return np.asarray(MEAN_RATING + ELO_PER_UNIT * (logs - logs.mean()))


def by_scipy(points: FloatArray) -> FloatArray:
    """The likelihood written down and handed to a general optimiser."""

    def cost(strengths: FloatArray) -> float:
        return sum(
            float(points[i, j]) * math.log1p(math.exp(strengths[j] - strengths[i]))
            for i in range(len(points))
            for j in range(len(points))
        )

    found = minimize(cost, np.zeros(len(points)), method="BFGS", options={"gtol": 1e-9})
    return np.asarray(MEAN_RATING + ELO_PER_UNIT * (found.x - found.x.mean()))


@pytest.mark.parametrize("points", TABLES)
def test_the_likelihood_is_greatest(points: FloatArray) -> None:
    found = fit(points)
    assert found.as_it_stands
    assert found.ratings == pytest.approx(by_hunter(points), abs=1e-4)
    assert found.ratings == pytest.approx(by_scipy(points), abs=1e-2)


def test_two_players_have_a_closed_form() -> None:
    strong, weak = fit(np.array([[0, 10], [1, 0]], dtype=float)).ratings
    assert strong - weak == pytest.approx(400)
    assert strong + weak == pytest.approx(3000)


# Newton's method without shortened steps leaves for infinity here.
UPHILL = 10 * np.array(
    [
        [0, 0.1, 10, 0.1, 1, 0, 0.1],
        [1, 0, 0, 10, 0, 1e5, 0],
        [1e4, 100, 0, 0, 1, 1, 0.1],
        [100, 10, 0, 0, 0, 0, 1000],
        [0, 1, 0, 0, 0, 100, 0],
        [1000, 0, 1e4, 1, 10, 0, 0],
        [0, 0, 0, 0, 0, 0.1, 0],
    ]
)


@pytest.mark.parametrize("points", [*TABLES, UPHILL])
def test_expected_points_are_those_scored(points: FloatArray) -> None:
    """At the maximum, and nowhere else: there the likelihood's slope is zero."""
    ratings = fit(points).ratings
    for i in range(len(points)):
        expected = sum(
            (points[i, j] + points[j, i]) / (1 + 10 ** ((ratings[j] - ratings[i]) / 400))
            for j in range(len(points))
            if j != i
        )
        assert expected == pytest.approx(points[i].sum(), rel=1e-6)


def test_tables_are_rated_at_once_as_one_by_one() -> None:
    tables = np.random.default_rng(2).integers(0, 4, (50, 4, 4)) * (1.0 - np.eye(4))
    together = fit(tables)
    assert 0 < together.as_it_stands.sum() < 50
    for table, ratings, finite in zip(
        tables, together.ratings, together.as_it_stands, strict=True
    ):
        alone = fit(table)
        assert ratings == pytest.approx(alone.ratings, abs=1e-6)
        assert finite == alone.as_it_stands


def test_equal_players_have_the_mean_rating() -> None:
    assert fit(np.full((5, 5), 2.0) - 2 * np.eye(5)).ratings == pytest.approx([1500] * 5)


@settings(max_examples=60)
@given(arrays(np.int8, st.sampled_from([(2, 2), (3, 3), (5, 5)]), elements=st.integers(0, 1)))
def test_fords_condition_parts_the_players_in_every_way(played: np.ndarray) -> None:
    points = played * (1.0 - np.eye(len(played)))
    players = range(len(points))
    parted = (set(part) for size in range(1, len(points)) for part in combinations(players, size))
    holds = all(
        any(points[i, j] for i in part for j in players if j not in part) for part in parted
    )
    assert bool(has_maximum(points)) == holds


@pytest.mark.parametrize("players", [2, 3, 8, 9, 17])
def test_a_ring_of_wins_has_a_maximum_and_a_chain_has_none(players: int) -> None:
    ring = np.roll(np.eye(players), 1, axis=1)
    assert fit(ring).as_it_stands
    assert fit(ring).ratings == pytest.approx([1500] * players)
    assert not fit(np.triu(ring)).as_it_stands


@settings(max_examples=60)
@given(
    arrays(np.int8, st.sampled_from([(2, 2), (4, 4), (6, 6)]), elements=st.integers(0, 50)),
    st.randoms(use_true_random=False),
)
def test_the_order_of_players_changes_nothing(played: np.ndarray, order: object) -> None:
    points = played * (1.0 - np.eye(len(played)))
    places = list(range(len(points)))
    order.shuffle(places)  # type: ignore[attr-defined]
    ratings = fit(points).ratings
    assert fit(points[np.ix_(places, places)]).ratings == pytest.approx(ratings[places], abs=1e-6)


def test_who_wins_everything_is_rated_as_after_one_more_tie() -> None:
    points = np.array([[0, 30], [0, 0]], dtype=float)
    found = fit(points)
    assert not found.as_it_stands
    assert found.ratings[0] - found.ratings[1] == pytest.approx(400 * math.log10(30.5 / 0.5))
    one_tie = np.array([[0, 29.5], [0.5, 0]])
    assert fit(one_tie).ratings[0] < found.ratings[0]


def test_ten_thousand_games_in_one_order_are_rated() -> None:
    points = 10_000 * np.triu(np.ones((12, 12)), 1)
    found = fit(points)
    assert not found.as_it_stands
    assert found.ratings == pytest.approx(-np.asarray(found.ratings[::-1]) + 3000, abs=1e-3)
    assert (np.diff(found.ratings) < -400).all()


def test_players_who_never_met_are_all_rated() -> None:
    points = np.zeros((4, 4))
    points[0, 1], points[1, 0], points[2, 3], points[3, 2] = 3, 1, 1, 3
    found = fit(points)
    assert not found.as_it_stands
    assert found.ratings[[0, 3]] == pytest.approx(found.ratings[0])
    assert found.ratings[[1, 2]] == pytest.approx(found.ratings[1])
