"""Faults put into the demo's model or into the program: the gate's exit code tells.

Capitals and titles weigh too little in the demo for its 80 queries: `benchmarks.gate_faults` has
them on SciFact.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from benchmarks import faults

from .conftest import Command, Done

MODEL = Path(str(files("rerankbench") / "rerankers" / "demo-cross-encoder"))
# Enough for every fault below to be told from chance on 80 queries.
DEPTH = 30

Gate = Callable[..., Done]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was retrieved and compiled once does for all."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def base() -> dict[str, Path]:
    """The results without a fault, once they are there."""
    return {}


@pytest.fixture
def gate(
    command: Command,
    tmp_path: Path,
    home: Path,
    base: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Gate:
    """Runs a model with a fault in the code, and holds it against the one without."""
    monkeypatch.setenv("RERANKBENCH_HOME", str(home))

    def run(model: Path, results: Path, *options: str) -> None:
        job = ("run", "-q", "--no-speed", "-d", "demo", "-k", DEPTH, "--device", "cpu")
        done = command(*job, "-m", model, "-o", results, *options)
        assert done.code == 0, done.err

    def gated(model: Path = MODEL, *options: str, code: str | None = None) -> Done:
        if not base:
            results = tmp_path_factory.mktemp("base")
            run(MODEL, results)
            base["results"] = results
        if code is not None:
            faults.IN_CODE[code](monkeypatch.setattr)
        run(model, tmp_path / "new", *options)
        new = str(tmp_path / "new")
        return command("gate", base["results"], new, "--speed", "ignore", "--format", "json")

    return gated


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [faults.move_vocabulary, partial(faults.use_two_labels, swapped=True)],
    ids=["vocabulary", "labels"],
)
def test_a_fault_in_a_model_fails(
    gate: Gate, tmp_path: Path, change: Callable[[Path], None]
) -> None:
    model = faults.copy_model(MODEL, tmp_path / "copy")
    change(model)
    assert gate(model).code == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "options"),
    [("queries", ()), ("sigmoids", ()), ("padding", ("--engine", "torch"))],
)
def test_a_fault_in_the_code_fails(gate: Gate, code: str, options: tuple[str, ...]) -> None:
    assert gate(MODEL, *options, code=code).code == 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "options"),
    [
        (faults.use_two_labels, None, ()),
        (faults.ask_for_left_padding, None, ()),
        (None, "sigmoids-float32", ()),
        (None, None, ("--engine", "torch")),
    ],
    ids=["two labels", "padding side", "exact sigmoids", "engine"],
)
def test_a_change_that_is_no_fault_passes(
    gate: Gate,
    tmp_path: Path,
    change: Callable[[Path], None] | None,
    code: str | None,
    options: tuple[str, ...],
) -> None:
    model = faults.copy_model(MODEL, tmp_path / "copy")
    if change is not None:
        change(model)
    done = gate(model, *options, code=code)
    assert done.code == 0
    verdicts: list[dict[str, Any]] = json.loads(done.out)["quality"]
    assert {verdict["outcome"] for verdict in verdicts} <= {"same", "passed"}
