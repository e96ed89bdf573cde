"""Wishes that contradict each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rerankbench.errors import UsageError
from rerankbench.gate.remeasure.request import GateRequest

_PYTHON = Path("python")


@pytest.mark.parametrize(
    ("asked", "records"),
    [
        ({}, True),
        ({"rev": "main"}, False),
        ({"rev": "main", "rounds": 6}, False),
        ({"rev": "main", "rounds": 10}, True),
        ({"base_python": _PYTHON, "rounds": 10, "budget_s": 3.0}, True),
        ({"base_python": _PYTHON, "new_rev": "x", "install": "y", "keep": Path("z")}, False),
    ],
)
def test_what_goes_together_is_taken(asked: dict[str, Any], records: bool) -> None:
    GateRequest(**asked).refuse_contradictions(base=records, new=records, speed=True)


@pytest.mark.parametrize(
    ("asked", "base", "new", "speed", "says"),
    [
        ({}, True, False, True, "name both BASE and NEW, or neither of them"),
        ({}, False, False, True, "name BASE and NEW, or a base to run: --rev REV"),
        ({"rounds": 10}, True, True, True, "--remeasure needs a base to run"),
        ({"config": Path("c")}, True, True, True, "--config needs a base to run"),
        ({"new_python": _PYTHON}, False, False, True, "--new-python needs a base to run"),
        ({"rev": "main"}, True, True, True, "nothing would be run; add --remeasure 10"),
        ({"rev": "m", "rounds": 5}, False, False, True, "needs 6 rounds at least; 10 are usual"),
        ({"rev": "m", "rounds": 10}, False, False, False, "what --speed ignore ignores"),
        ({"rev": "m", "budget_s": 3.0}, False, False, True, "add --remeasure 10"),
        ({"rev": "m", "rounds": 6, "budget_s": 0.0}, False, False, True, "seconds above 0"),
        ({"base_python": _PYTHON, "install": "x"}, False, False, True, "add --rev REV"),
    ],
)
def test_what_does_not_is_refused_with_the_remedy(
    asked: dict[str, Any], base: bool, new: bool, speed: bool, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        GateRequest(**asked).refuse_contradictions(base=base, new=new, speed=speed)
