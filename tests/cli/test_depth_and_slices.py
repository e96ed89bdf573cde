"""`rerankbench depth` and `rerankbench slices`, from a run to the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Command


@pytest.fixture
def results(command: Command, collection: Path, model: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "results"
    done = command(
        *("run", "-d", collection, "-m", model, "-m", "oracle", "-k", 8),
        *("--no-speed", "-o", folder),
    )
    assert done.code == 0, done.err
    return folder


def test_depth_ends_where_the_record_stands(command: Command, results: Path) -> None:
    (record,) = [
        one
        for one in json.loads(command("leaderboard", results, "--format", "json").out)
        if one["reranker"] == "tiny-bert"
    ]
    done = command("depth", results, "--format", "json")
    assert (done.code, done.err) == (0, "")
    (curve,) = json.loads(done.out)
    assert curve["depths"] == list(range(9))
    assert curve["means"][-1] == pytest.approx(record["metrics"]["nDCG@10"])
    assert command("depth", results).out.startswith("### small")


def test_the_oracle_reaches_its_ceiling_at_every_depth(command: Command, results: Path) -> None:
    done = command("depth", results, "-m", "oracle", "--metric", "MRR@10", "--format", "json")
    (curve,) = json.loads(done.out)
    assert curve["metric"] == "MRR@10"
    assert curve["means"] == curve["ceilings"]


def test_slices_show_every_query(command: Command, results: Path) -> None:
    done = command("slices", results, "--by", "first-stage", "--format", "json")
    assert (done.code, done.err) == (0, "")
    (one,) = json.loads(done.out)
    queries = json.loads(command("leaderboard", results, "--format", "json").out)[0]["queries"]
    assert sum(each["queries"] for each in one["bins"]) + one["left_out"] == queries
    assert command("slices", results, "-m", "oracle", "--against", "tiny-bert").code == 0


def test_problems_are_one_line_each(command: Command, results: Path) -> None:
    for arguments in (
        ("depth", results, "-m", "nobody"),
        ("depth", results, "--metric", "Coverage@10"),
        ("depth", results, "--format", "pdf"),
        ("slices", results, "--by", "weather"),
        ("slices", results, "--against", "nobody"),
        ("depth", results / "none"),
    ):
        done = command(*arguments)
        assert (done.code, done.out) == (2, "")
        assert len(done.err.splitlines()) == 1


def test_what_is_left_out_stands_on_stderr(
    command: Command, results: Path, collection: Path, model: Path
) -> None:
    fused = results.parent / "fused.yaml"
    fused.write_text(
        f"suite: default\ntop_k: 8\nspeed: {{enabled: false}}\ndatasets: [{collection}]\n"
        f"models:\n  - {{model: {model}, fusion: {{method: rrf}}}}\n"
    )
    assert command("run", fused, "-o", results).code == 0
    done = command("depth", results, "--format", "json")
    assert done.code == 0
    assert len(json.loads(done.out)) == 1
    assert "left out: tiny-bert + RRF: no depth curve; its scores are joined" in done.err
