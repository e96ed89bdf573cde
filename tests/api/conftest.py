"""A tiny collection, in a folder and in memory, and a tiny model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import rerankbench
from rerankbench import cli

from .. import tiny


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BEIR folder called `small`."""
    return tiny.write_collection(tmp_path_factory.mktemp("collections") / "small")


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random cross-encoder called `tiny-bert`."""
    return tiny.build(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture
def parts(folder: Path) -> dict[str, Any]:
    """What the folder holds, as mappings."""
    corpus, queries = (
        [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]
        for name in ("corpus", "queries")
    )
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query_id, doc_id, grade = line.split("\t")
        qrels.setdefault(query_id, {})[doc_id] = int(grade)
    return {
        "name": "small",
        "queries": {each["_id"]: each["text"] for each in queries},
        "corpus": {each["_id"]: {"title": each["title"], "text": each["text"]} for each in corpus},
        "qrels": qrels,
    }


def command(*arguments: object) -> None:
    """Run `rerankbench ARGUMENTS…` in this process."""
    assert cli._run([str(argument) for argument in arguments]) == 0


def rows(frame: Any) -> list[dict[str, Any]]:
    """The frame's rows as mappings, of which a type checker asks nothing."""
    found: list[dict[str, Any]] = frame.to_dict("records")
    return found


def runs_of(result: rerankbench.RunResult) -> dict[str, dict[str, dict[str, float]]]:
    """Reranker → query → document → score, of the frame of rankings."""
    runs: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows(result.rankings()):
        of_query = runs.setdefault(row["reranker"], {}).setdefault(row["query_id"], {})
        of_query[row["doc_id"]] = row["score"]
    return runs
