"""The config of a side, whose data may lie in the user's folder alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from rerankbench.gate.remeasure.side_config import write_config


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    """A worktree, and the user's folder with a neighbour and untracked files."""
    tree, here = tmp_path / "cache" / "src", tmp_path / "work" / "here"
    for each in (
        tree / "tracked",
        here / "tracked",
        here / "data" / "small",
        here / "demo",
        here.parent / "shared" / "model",
    ):
        each.mkdir(parents=True)
    for name in ("small", "large"):
        (here / "data" / f"bm25.{name}.trec").touch()
    return tree, here


def _written(places: tuple[Path, Path], raw: dict[str, Any], name: str = "mine.yaml") -> Any:
    tree, here = places
    (here / name).write_text(yaml.safe_dump(raw))
    write_config(here / name, tree, here, here.parent / "out" / name)
    return yaml.safe_load((here.parent / "out" / name).read_text())


def test_only_what_the_worktree_lacks_is_taken_from_the_user(places: tuple[Path, Path]) -> None:
    _, here = places
    raw = {
        "datasets": ["data/small", {"id": "./data/small", "split": "dev"}, "tracked", "demo"],
        "models": ["../shared/model", {"model": "data/small", "name": "n"}, "bm25", "org/model"],
        "first_stages": [
            "bm25",
            "run:data/bm25.{dataset}.trec",
            {"name": "run", "path": "data/bm25.small.trec"},
            {"name": "run:no/such.trec"},
            {"name": "bm25", "k1": 1.2},
        ],
        "top_k": 7,
    }
    assert _written(places, raw) == {
        "datasets": [
            f"{here}/data/small",
            {"id": f"{here}/data/small", "split": "dev"},
            "tracked",
            "demo",  # A registered name, whatever folder is called so.
        ],
        "models": [
            f"{here}/../shared/model",
            {"model": f"{here}/data/small", "name": "n"},
            "bm25",
            "org/model",
        ],
        "first_stages": [
            "bm25",
            f"run:{here}/data/bm25.{{dataset}}.trec",
            {"name": "run", "path": f"{here}/data/bm25.small.trec"},
            {"name": "run:no/such.trec"},
            {"name": "bm25", "k1": 1.2},
        ],
        "top_k": 7,
    }


def test_in_the_users_own_folder_nothing_changes(places: tuple[Path, Path]) -> None:
    _, here = places
    raw = {"datasets": ["data/small"], "models": [{"model": "../shared/model"}], "device": "cpu"}
    assert _written((here, here), raw) == raw


def test_that_speed_is_not_wanted_is_forgotten(places: tuple[Path, Path]) -> None:
    raw = {"datasets": ["demo"], "speed": {"enabled": False, "passes": 5}}
    assert _written(places, raw)["speed"] == {"passes": 5}


def test_what_is_wrong_is_left_for_the_side_to_refuse(places: tuple[Path, Path]) -> None:
    raw = {"datasets": "demo", "models": [3, {"model": 4}, ""], "speed": True, "unknown": 1}
    assert _written(places, raw) == raw
