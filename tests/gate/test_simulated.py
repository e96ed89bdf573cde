"""False alarms and drops that are caught: a light version of `benchmarks.gate_quality`."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks import gate_quality as simulation
from benchmarks.gate_quality import Noise
from benchmarks.significance import error_of

SAME, ROUNDING, OTHER = simulation.NOISES[0], simulation.NOISES[2], simulation.NOISES[-1]
TRIALS = 300


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "RESAMPLES", 400)


def _most(share: float, trials: int) -> float:
    """A share and three standard errors of it."""
    return share + 3 * error_of(share, trials)


@pytest.mark.parametrize("noise", simulation.NOISES, ids=lambda noise: noise.name)
def test_noise_makes_nothing_worse_on_average(noise: Noise) -> None:
    base, new = simulation.draw_pair(1, 200_000, noise, 0.0)
    drops = base - new
    assert abs(drops.mean()) <= 4 * drops.std() / math.sqrt(len(drops))
    assert (drops != 0).mean() == pytest.approx(max(noise.swaps, noise.chance / 1.5), abs=0.15)


def test_a_drop_is_as_large_as_asked_for() -> None:
    base, new = simulation.draw_pair(2, 400_000, ROUNDING, 0.02)
    assert (base - new).mean() == pytest.approx(0.02, abs=0.001)


def test_identical_values_never_fail() -> None:
    assert simulation.shares(300, SAME, 0.0, 20, margin=0.005).passed == 1


@pytest.mark.parametrize("noise", [ROUNDING, OTHER], ids=lambda noise: noise.name)
def test_one_gate_in_a_hundred_fails_where_nothing_is_worse(noise: Noise) -> None:
    assert simulation.shares(150, noise, 0.0, TRIALS, margin=0.005).failed <= _most(0.01, TRIALS)


def test_nor_do_more_fail_that_have_several_cells() -> None:
    found = simulation.shares(80, OTHER, 0.0, TRIALS // 3, margin=0.005, cells=6)
    assert found.failed <= _most(0.01, TRIALS // 3)


def test_twice_the_margin_is_caught_where_the_queries_are_enough() -> None:
    found = simulation.shares(2000, ROUNDING, 0.02, 40, margin=0.01)
    assert found.detects(0.01)
    assert found.failed >= 0.95


def test_twice_the_margin_passes_only_where_it_looks_like_a_gain_if_they_are_too_few() -> None:
    found = simulation.shares(150, OTHER, 0.02, TRIALS, margin=0.01)
    assert not found.detects(0.01)
    drawn = [simulation.draw_pair(seed, 150, OTHER, 0.02) for seed in range(TRIALS)]
    gains = sum(new.mean() > base.mean() for base, new in drawn) / TRIALS
    assert gains <= found.passed <= gains + _most(0.05, TRIALS)


@pytest.mark.parametrize(
    ("name", "rows"),
    [("quality", 38), ("faults", 20), ("speed", 5), ("remeasured", 3), ("apart", 6)],
)
def test_the_docs_show_the_tables_of_the_results(name: str, rows: int) -> None:
    root = Path(__file__).parents[2]
    results = (root / "benchmarks" / "results" / f"gate-{name}.md").read_text()
    tables = [line for line in results.splitlines() if line.startswith("|")]
    docs = (root / "docs" / "gate-evidence.md").read_text()
    assert len(tables) == rows
    assert [line for line in tables if line not in docs] == []
