"""Real checkpoints score real pairs as sentence-transformers does."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench import cli

from . import tiny

TOLERANCE = 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "queries", "depth"),
    [
        ("tiny-l2-h128-ce", 20, 40),
        ("roberta-tiny-l2-h128-ce", 6, 40),
        ("minilm-l2-ce", 4, 20),
    ],
)
def test_every_score_is_that_of_the_reference_run(
    shared: Path, tmp_path: Path, name: str, queries: int, depth: int
) -> None:
    first_stage = shared / "reference" / "scifact.bm25.top100.trec"
    options = {
        "-d": shared / "collections" / "scifact",
        "-m": shared / "models" / name,
        "--first-stage": f"run:{first_stage}",
        "--limit-queries": queries,
        "-k": depth,
        "--device": "cpu",
        "--dtype": "float32",
        "-o": tmp_path,
    }
    arguments = [str(part) for option in options.items() for part in option]
    assert cli._run(["run", *arguments, "--no-speed", "-q"]) == 0
    record = tiny.records(tmp_path)[name]
    found = tiny.run_scores(tmp_path / "default" / "runs" / f"{record['quality_key']}.trec.gz")
    expected = tiny.run_scores(shared / "reference" / f"{name}.scifact.trec")
    assert len(found) == record["scored_pairs"] == queries * depth
    furthest = max(abs(score - expected[pair]) for pair, score in found.items())
    assert furthest < TOLERANCE
    assert record["truncated_pairs"] > 0, "no document was long enough to be cut"
