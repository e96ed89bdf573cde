"""500 inputs of the kinds that `make fuzz` tries, drawn by Hypothesis."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS, Target
from tests.fuzz.trial import attempt, prepare

_INPUTS = {
    "collections": 110,
    "rows of others": 50,
    "runs": 80,
    "configs": 80,
    "layouts": 70,
    "records": 60,
    "model folders": 30,
    "journals": 20,
}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_broken_inputs_end_in_a_line_or_in_the_right_figures(
    target: Target, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = prepare(target, tmp_path_factory.mktemp("good"))

    @settings(
        max_examples=_INPUTS[target.name],
        derandomize=True,
        deadline=None,
        phases=[Phase.generate],  # A command is too slow to be shrunk; its changes are few anyway.
        suppress_health_check=list(HealthCheck),
    )
    @given(random=st.randoms(use_true_random=False))
    def no_fault(random: Random) -> None:
        outcome = attempt(target, good, random)
        assert not outcome.faults, outcome

    no_fault()


def test_a_fault_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The looking itself: an error that escapes and a ranking that is another are both told."""
    journals = TARGETS[-1]
    good = prepare(journals, tmp_path)
    lines = (good / "right.trec").read_text().splitlines(keepends=True)
    (good / "right.trec").write_text("".join(reversed(lines)))
    assert "another" in " ".join(attempt(journals, good, Random(4)).faults)
    monkeypatch.setattr("rerankbench.cli.app", lambda args: 1 / 0)
    assert "ZeroDivisionError" in " ".join(attempt(journals, good, Random(4)).faults)
