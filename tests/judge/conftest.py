"""A collection, and results on it whose rankings are known."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rerankbench.registry.naming import open_collection
from rerankbench.types import Record
from tests.compare.suites import write_cell
from tests.judge.judge_server import Scene, serve
from tests.leaderboard.records import make_record

QUERIES, DOCUMENTS, SHOWN = 12, 9, 3
MODELS = ("cross", "late", "single")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """Where the results and the collection lie; `runs` is model → query → documents."""

    results: Path
    folder: Path
    runs: dict[str, dict[str, list[str]]]
    texts: dict[str, str]


def _collection(folder: Path) -> dict[str, str]:
    """Documents of which every third says that it is relevant."""
    texts = {
        f"d{at}": f"text {at}" + (" relevant" if at % 3 == 0 else "") for at in range(DOCUMENTS)
    }
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": each, "title": "", "text": text} for each, text in texts.items()]
    asked = [{"_id": f"q{at}", "text": f"question {at}"} for at in range(QUERIES)]
    for name, lines in (("corpus", corpus), ("queries", asked)):
        body = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(body)
    judged = "".join(f"q{at}\td0\t1\n" for at in range(QUERIES))
    (folder / "qrels" / "test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    return texts


def record_on(folder: Path, name: str, **facts: str) -> Record:
    """A record of that collection with a value for every query."""
    collection = open_collection(str(folder))
    family = facts.get("family", "sequence-classification")
    record = make_record(name, {"nDCG@10": [0.5] * QUERIES}, collection="small", family=family)
    ref = replace(record.cell.collection, hashes=collection.hashes(), source=str(folder))
    return replace(record, cell=replace(record.cell, collection=ref))


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    folder, results = tmp_path / "small", tmp_path / "results"
    texts = _collection(folder)
    numbers = random.Random(3)
    runs: dict[str, dict[str, list[str]]] = {}
    for name in MODELS:
        runs[name] = {f"q{at}": numbers.sample(sorted(texts), DOCUMENTS) for at in range(QUERIES)}
        runs[name]["q0"] = sorted(texts)  # The same for all: nobody need be asked.
        write_cell(results, record_on(folder, name), runs[name])
    return Suite(results=results, folder=folder, runs=runs, texts=texts)


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A judge that prefers what calls itself relevant."""
    with serve(Scene()) as found:
        yield found
