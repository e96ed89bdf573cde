"""The catalogue agrees with itself and with ir_datasets, and names lead to ids."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.known import collections


def test_it_holds_beir_and_ms_marco() -> None:
    names = [entry.name for entry in collections.known()]
    assert len(names) == len(set(names)) == 19
    assert len({entry.slug for entry in collections.known()}) == 19
    assert {e.name for e in collections.known() if e.drops_identical_ids} == {"ArguAna", "Quora"}
    assert {e.name for e in collections.known() if e.licence_needed} == {
        "BioASQ",
        "Signal-1M",
        "TREC-NEWS",
        "Robust04",
    }
    assert {entry.name for entry in collections.known() if entry.split != "test"} == {"MSMARCO"}


def test_every_id_is_one_of_ir_datasets(tmp_path: Path) -> None:
    # Another process: ir_datasets makes its home when it is imported.
    code = (
        "import ir_datasets\n"
        "from rerankbench.known import collections\n"
        "ids = [i for entry in collections.known() for i in entry.ids]\n"
        "assert all(ir_datasets.load(i).has_qrels() for i in ids), ids\n"
        "assert [i for i in ir_datasets.registry if i.startswith('beir/cqadupstack/')] == "
        "sorted(collections.by_slug('cqadupstack').ids)\n"
    )
    environment = {**os.environ, "IR_DATASETS_HOME": str(tmp_path / "home")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_members_are_named_after_their_ids() -> None:
    forums = collections.by_slug("cqadupstack")
    assert forums is not None and len(forums.members) == 12
    assert list(forums.members) == [
        dataset_id.removeprefix("beir/").replace("/", "-") for dataset_id in forums.ids
    ]
    assert forums.shown_id == "beir/cqadupstack"


def test_collections_are_found_by_id_and_by_slug() -> None:
    scifact = collections.by_slug("SciFact")
    assert scifact is not None and scifact == collections.by_id("beir/scifact/test")
    assert (scifact.queries, scifact.documents) == (300, 5183)
    forum = collections.by_id("beir/cqadupstack/gis")
    assert forum is not None and forum.name == "CQADupStack"
    assert collections.by_id("beir/scifact/train") is None
    assert collections.by_slug("my-collection") is None


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("fiqa", ("beir/fiqa/test",)),
        ("SciFact", ("beir/scifact/test",)),
        ("MSMARCO", ("beir/msmarco/dev",)),
        ("touche-2020", ("beir/webis-touche2020/v2",)),
        ("beir/webis-touche2020", ("beir/webis-touche2020",)),
        ("beir/scifact/train", ("beir/scifact/train",)),
        ("some/folder", ("some/folder",)),
        ("demo", ("demo",)),
    ],
)
def test_names_expand_to_ids_and_all_else_to_itself(name: str, ids: tuple[str, ...]) -> None:
    assert collections.expand(name) == ids


@pytest.mark.parametrize("name", ["beir/cqadupstack", "cqadupstack", "CQADupStack"])
def test_cqadupstack_expands_to_its_forums(name: str) -> None:
    expanded = collections.expand(name)
    assert len(expanded) == 12
    assert expanded[0] == "beir/cqadupstack/android"


@pytest.mark.parametrize("name", ["BioASQ", "signal1m"])
def test_what_ir_datasets_has_not_says_what_to_do(name: str) -> None:
    with pytest.raises(UsageError, match="build a BEIR folder"):
        collections.expand(name)
