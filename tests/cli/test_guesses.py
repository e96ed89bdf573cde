"""Mistakes of newcomers are answered with what they meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from .. import tiny
from .conftest import Command


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _refused(command: Command, *arguments: object) -> str:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    return line


@pytest.mark.parametrize(("name", "typed"), [("support", "support"), ("my docs", "'my docs'")])
def test_a_folder_in_the_place_of_a_config_is_a_collection(
    command: Command, name: str, typed: str
) -> None:
    Path(name).mkdir()
    assert _refused(command, "run", name).endswith(f"rerankbench run -d {typed}")


@pytest.mark.parametrize("name", ["x.trec", "runs/splade.run.gz", "there"])
def test_a_run_file_as_first_stage_lacks_its_prefix(command: Command, name: str) -> None:
    Path("there").write_text("q Q0 d 1 1.0 t\n")
    line = _refused(command, "run", "-d", "demo", "-m", "bm25", "--first-stage", name)
    assert line == f"error: no first stage '{name}'; for a run file write run:{name}"


def test_another_name_of_a_first_stage_is_not_taken_for_a_file(command: Command) -> None:
    line = _refused(command, "run", "-d", "demo", "-m", "bm25", "--first-stage", "bm26")
    assert "did you mean 'bm25'?" in line


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("demo-crossencoder", "demo-cross-encoder"),
        ("Ms-Marco-MiniLM-L6-v2", "cross-encoder/ms-marco-MiniLM-L6-v2"),
    ],
)
def test_a_near_name_is_suggested_before_the_hub_is_asked(
    command: Command, monkeypatch: pytest.MonkeyPatch, typed: str, meant: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the hub was asked")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    line = _refused(command, "run", "-d", "demo", "-m", typed)
    assert line == f"error: no model '{typed}'; did you mean '{meant}'?"


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("cross-encoder/ms-marco-MiniLM-L6-v3", "did you mean 'cross-encoder/ms-marco-MiniLM-"),
        ("cross-encoder/ms-marco-MiniLM-L6-v2", "reached; name a local folder"),
    ],
)
def test_a_hub_id_is_asked_for_and_a_near_one_named_where_there_is_none(
    command: Command, monkeypatch: pytest.MonkeyPatch, typed: str, hint: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LocalEntryNotFoundError("no")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    assert hint in _refused(command, "run", "-d", "demo", "-m", typed)


@pytest.mark.parametrize(("price", "amount"), [("0.02", "0.02"), ("cheap", "0.02"), ("3", "3")])
def test_a_bare_price_is_answered_with_the_form_of_one(
    command: Command, price: str, amount: str
) -> None:
    config = "datasets: [demo]\nmodels:\n  - {model: random, price: %s}\n"
    Path("c.yaml").write_text(config % price)
    line = _refused(command, "run", "c.yaml")
    form = f"{{amount: {amount}, unit: token, date: 2026-11-01}}"
    assert line.startswith(f"error: c.yaml: models[0].price: a price is written as {form}")
    Path("c.yaml").write_text(config % form)
    assert command("run", "c.yaml", "--dry-run").code == 0, "the form that is shown is a price"


def test_a_renamed_folder_has_its_own_name_and_nothing_is_run_again(
    command: Command, collection: Path
) -> None:
    shutil.copytree(collection, "before")
    assert "before" in command("run", "-d", "./before", "-m", "random", "--no-speed").out
    Path("before").rename("after")
    done = command("run", "-d", "./after", "-m", "random", "--no-speed")
    assert "after/test: all 2 cells are finished" in done.err
    assert "after" in done.out
    assert "before" not in done.out + done.err
    names = {each["cell"]["collection"]["name"] for each in tiny.records(Path("results")).values()}
    assert names == {"after"}
    assert "before" not in command("leaderboard", "results").out
