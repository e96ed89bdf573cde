"""Errors and power on made systems: a light version of `benchmarks.significance`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import significance as simulation

TRIALS = 600
# 5 % and three standard errors of a share of so many trials.
MOST = 0.05 + 3 * simulation.error_of(0.05, TRIALS)


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(simulation, "PERMUTATIONS", 399)
    monkeypatch.setattr(simulation, "RESAMPLES", 400)
    monkeypatch.setattr(simulation, "_POPULATION", 100_000)
    _forget_means()
    yield
    _forget_means()


def _forget_means() -> None:
    """Means over another population are other means."""
    simulation.true_mean.cache_clear()
    simulation.shift_for.cache_clear()


def test_made_values_have_the_ties_zeros_and_ones_of_real_ones() -> None:
    made = simulation.realism()
    assert made["ties"] > 0.5
    assert made["zeros"] > 0.1
    assert made["ones"] > 0.4


def test_two_equal_systems_are_called_different_in_one_case_of_twenty() -> None:
    share = simulation.share_different(60, 0.0, TRIALS)
    # Ties make the test no more careful than it has to be.
    assert 0.05 - 3 * simulation.error_of(0.05, TRIALS) <= share <= MOST


def test_among_equal_systems_any_error_is_as_rare_after_holm() -> None:
    of_pairs, of_first = simulation.share_with_an_error(5, 60, TRIALS)
    assert of_pairs <= MOST
    assert of_first <= MOST
    assert of_first > 0


def test_intervals_hold_the_true_values() -> None:
    shares = simulation.share_covered(150, 0.03, TRIALS)
    assert all(share == pytest.approx(0.95, abs=0.03) for share in shares)


def test_power_is_that_of_the_normal_curve() -> None:
    queries, delta = 300, 0.03
    spread = simulation.realism()["sd_of_differences"]
    expected = 0.5 * math.erfc((1.96 - delta * math.sqrt(queries) / spread) / math.sqrt(2))
    share = simulation.share_different(queries, delta, TRIALS)
    assert share == pytest.approx(expected, abs=0.08)


def test_the_docs_show_the_tables_of_the_results() -> None:
    root = Path(__file__).parents[2]
    results = (root / "benchmarks" / "results" / "significance.md").read_text()
    shares = results.partition("## ")[2].splitlines()
    tables = [line for line in shares if line.startswith("|")]
    docs = (root / "docs" / "significance.md").read_text()
    assert len(tables) == 19
    assert [line for line in tables if line not in docs] == []


def test_a_shift_makes_the_difference_that_was_asked_for() -> None:
    shift = simulation.shift_for(0.05)
    gained = simulation.true_mean(shift) - simulation.true_mean(0.0)
    assert gained == pytest.approx(0.05, abs=0.001)
