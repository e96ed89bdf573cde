"""Rounds of passes in turn, with stand-ins for the versions that are measured."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from rerankbench.errors import InputError, UsageError
from rerankbench.gate.cells import CellName
from rerankbench.gate.remeasure.rounds import remeasure
from rerankbench.gate.remeasure.sides import GateSide
from rerankbench.gate.speed import Remeasurement
from rerankbench.progress import Silent
from rerankbench.stats import ratios

from .fake import write_python, write_side

Measure = Callable[..., dict[CellName, Remeasurement]]


class Notes(Silent):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(f"warning: {text}")


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def measure(tmp_path: Path, notes: Notes) -> Measure:
    """Rounds of two stand-ins; what differs is said for each."""
    python = write_python(tmp_path / "python")

    def run(
        base: dict[str, Any] | None = None, new: dict[str, Any] | None = None, rounds: int = 6
    ) -> dict[CellName, Remeasurement]:
        sides = []
        for label, changes in (("base", base), ("new", new)):
            write_side(tmp_path / label, label, tmp_path / "journal", **(changes or {}))
            own = tmp_path / f"{label}-own"
            own.mkdir()
            sides.append(
                GateSide(
                    label=label,
                    python=python,
                    folder=tmp_path / label,
                    config=tmp_path / "config.yaml",
                    own=own,
                    variables=dict(os.environ),
                )
            )
        ticks = iter(range(0, 10_000, 60))
        return remeasure(
            *sides, rounds=rounds, budget_s=10, progress=notes, now_s=lambda: next(ticks)
        )

    return run


def _journal(tmp_path: Path) -> list[list[str]]:
    return [line.split() for line in (tmp_path / "journal").read_text().splitlines()]


@pytest.mark.parametrize("factor", [1.0, 1.2, 0.5])
def test_the_true_ratio_is_found_under_a_load_that_comes_and_goes(
    measure: Measure, factor: float
) -> None:
    ((name, found),) = measure(new={"query_s": 0.01 * factor}).items()
    assert (name.reranker, found.pairs % 100, len(found.base_s)) == ("model", 0, 6)
    ratio = ratios.in_rounds(found.base_s, found.new_s)
    assert ratio.low is not None
    assert ratio.high is not None
    assert 0.97 * factor < ratio.low <= ratio.high < 1.03 * factor
    apart = [max(passes) / min(passes) for passes in found.base_s]
    assert max(apart) > 1.5  # The load was there.


def test_passes_alternate_over_the_same_queries_in_new_processes_each_round(
    measure: Measure, tmp_path: Path
) -> None:
    measure(rounds=8)
    noted = _journal(tmp_path)
    assert [each[0] for each in noted if each[1] == "start"].count("base") == 8
    passes = [(who, int(words[0])) for who, what, *words in noted if what == "pass"]
    queries = passes[-1][1]
    assert queries > 1
    rounds = passes[-(7 * 36) :]
    assert {count for _, count in rounds} == {queries}
    for number in range(7):
        who = [each for each, _ in rounds[36 * number : 36 * (number + 1)]]
        timed = [len(list(run)) for _, run in groupby(who[4:])]
        assert who[4:].count("base") == who[4:].count("new") == 16
        assert timed == [1, *[2] * 15, 1]  # A BB AA BB … A: each pass beside one of the other.
        assert who[4] == ("new", "base")[number % 2]


def test_a_pass_fits_the_budget_or_there_are_fewer(measure: Measure, tmp_path: Path) -> None:
    (found,) = measure(new={"query_s": 0.02}).values()
    whole_s = sum(map(sum, found.base_s)) + sum(map(sum, found.new_s))
    assert 20 < whole_s < 6 * 10 * 1.5
    (tmp_path / "journal").unlink()
    for each in ("base-own", "new-own"):
        for log in (tmp_path / each).iterdir():
            log.unlink()
        (tmp_path / each).rmdir()
    (slow,) = measure(new={"query_s": 3.0}, base={"query_s": 3.0}).values()
    assert {len(passes) for passes in (*slow.base_s, *slow.new_s)} == {4}
    assert slow.pairs == 100


def test_a_small_collection_is_taken_whole(measure: Measure) -> None:
    (found,) = measure(base={"queries": 3}, new={"queries": 3}).values()
    assert found.pairs == 300


def test_memory_is_the_most_of_each_round_where_it_is_known(measure: Measure) -> None:
    (found,) = measure(new={"host_bytes": 2000}).values()
    assert found.base_bytes == (1000,) * 6
    assert found.new_bytes == (2000,) * 6
    assert found.base_device_bytes == found.new_device_bytes == ()


def test_memory_that_one_side_cannot_tell_is_left_out(measure: Measure) -> None:
    (found,) = measure(new={"host_bytes": None}).values()
    assert found.base_bytes == found.new_bytes == ()


def test_cells_that_one_side_lacks_and_those_of_services_are_left_out(
    measure: Measure, tmp_path: Path
) -> None:
    devices = {"here": "cpu", "service": "remote"}
    found = measure(
        base={"devices": {**devices, "old": "cpu"}}, new={"devices": {"new": "cpu", **devices}}
    )
    assert [name.reranker for name in found] == ["here"]
    assert {words[0] for _, what, *words in _journal(tmp_path) if what == "open"} == {"here-key"}


def test_other_pairs_are_not_compared(measure: Measure, notes: Notes) -> None:
    assert measure(new={"pairs": 99}) == {}
    assert "rerank different numbers of pairs" in notes.said[-1]


def test_what_is_left_is_told_after_the_first_round(measure: Measure, notes: Notes) -> None:
    measure(rounds=7)
    assert notes.said == ["round 1 of 7 took 60 s; about 6 min to go"]


@pytest.mark.parametrize(
    ("new", "says"),
    [
        ({"machine": {"cpu": "Other", "cores": 2, "gpu": None}}, r"different machines \(cpu\)"),
        ({"devices": {"model": "cuda"}}, "base runs on cpu, new on cuda"),
        ({"devices": {"other": "cpu"}}, "no local model in common"),
        ({"queries": 0}, "no candidates"),
        ({"has_stopwatch": False}, "new: this version of rerankbench cannot be remeasured"),
    ],
)
def test_what_does_not_compare_is_refused(
    measure: Measure, new: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        measure(new=new)


def test_a_side_that_dies_is_told_with_its_last_words_and_its_log(
    measure: Measure, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="base: the measuring process ended: out of memory") as e:
        measure(base={"dies_of": "out of memory"})
    assert str(e.value).startswith(str(tmp_path / "base-own" / "stopwatch.log"))
