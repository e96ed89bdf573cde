"""The configs that people copy: planned as they are, without a hub, a network or a model."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rerankbench.known import collections
from rerankbench.run import config, plan
from rerankbench.run.given import Given

from .test_plan import ENVIRONMENT, FakeFactory

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
BASELINES = {"bm25", "random", "oracle", "demo-cross-encoder"}

each_config = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


@each_config
def test_every_name_in_it_is_known(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOYAGE_API_KEY", "none")
    loaded = config.load(path, {})
    from_hub = {
        entry.model: FakeFactory()
        for entry in loaded.models
        if entry.family is None and entry.model not in BASELINES
    }
    planned = plan.make(
        loaded, ENVIRONMENT, cuda=False, cache=tmp_path, given=Given(rerankers=from_hub)
    )
    parts = sum(len(collections.expand(each.id)) for each in loaded.datasets)
    assert len(planned.groups) == parts * len(loaded.first_stages)
    with_bm25 = len(loaded.models) + (not any(each.model == "bm25" for each in loaded.models))
    assert all(len(group.models) == with_bm25 for group in planned.groups)
    assert all("/" in model for model in from_hub)


@each_config
def test_lines_that_are_commented_out_can_be_taken_in(path: Path, tmp_path: Path) -> None:
    text = path.read_text()
    whole, lines = re.subn(r"^( *)# - ", r"\1- ", text, flags=re.M)
    (tmp_path / path.name).write_text(whole)
    loaded, before = (config.load(each, {}) for each in (tmp_path / path.name, path))

    def entries(of: config.RunConfig) -> int:
        return len(of.datasets) + len(of.models) + len(of.first_stages)

    assert entries(loaded) == entries(before) + lines


@each_config
def test_its_head_says_how_to_run_it(path: Path) -> None:
    head = re.match(r"(#.*\n)+", path.read_text())
    assert head is not None
    named = set(re.findall(r"rerankbench run (configs/\S+)", head[0]))
    assert named <= {f"configs/{path.name}"}
    assert named or path.stem == "demo"


def test_the_page_of_configs_links_to_every_one() -> None:
    page = (ROOT / "docs" / "config.md").read_text()
    assert [each.name for each in CONFIGS if f"](../configs/{each.name})" not in page] == []
