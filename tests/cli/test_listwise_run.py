"""`rerankbench run` with a model that writes orders."""

from __future__ import annotations

import re
from pathlib import Path

from .. import tiny
from ..rerankers import writers
from .conftest import Command


def test_a_whole_run_tells_malformed_answers_once(tmp_path: Path, command: Command) -> None:
    collection = tiny.write_collection(tmp_path / "c", queries=3, documents=12, longest=9)
    model = writers.build(tmp_path / "m")
    config = tmp_path / "lists.yaml"
    config.write_text(
        f"datasets: [{collection}]\nmodels:\n  - model: {model}\n    name: writer\n"
        "    family: listwise\n    recipe: {window: 4, stride: 2}\n"
        "top_k: 8\ndevice: cpu\nspeed: {budget_s: 0.1}\n"
    )
    done = command("run", config, "-o", tmp_path / "results")
    assert done.code == 0, done.err
    record = tiny.records(tmp_path / "results")["writer"]
    assert record["cell"]["reranker"]["reads"] == "lists"
    assert record["measurements"]["throughput"] is not None
    (told,) = [each for each in record["warnings"] if "malformed" in each]
    # Three windows a query of eight candidates, however often they were asked for the clock.
    assert re.match(r"[1-9] of [1-9] answers were malformed: ", told)
    assert record["ties"] is None
