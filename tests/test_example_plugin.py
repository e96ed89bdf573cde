"""The example package: installed as a user would, then run, with values held to plain loops."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from rerankbench.files.trec import read_run

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "examples" / "rerankbench-example-plugin"
DEMO = ROOT / "rerankbench" / "collections" / "demo_collection"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables under which Python sees rerankbench and the installed example."""
    target = tmp_path_factory.mktemp("installed")
    source = tmp_path_factory.mktemp("source") / "plugin"
    # Not in the repository itself, where a build would leave its files.
    subprocess.run(["cp", "-r", PACKAGE, source], check=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    path = os.pathsep.join([str(target), str(ROOT)])
    return {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}


def _run(
    environment: Mapping[str, str], folder: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "rerankbench", *words],
        cwd=folder,
        env={**environment, "RERANKBENCH_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_a_run_with_first_stage_reranker_and_metric(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    words = [
        "run",
        "-d",
        "demo",
        "--first-stage",
        "title-overlap",
        "-m",
        "bm25",
        "-m",
        "overlap",
        "--no-speed",
    ]
    metrics = ["--metric", "nDCG@10", "--metric", "Success@5"]
    done = _run(environment, tmp_path, *words, *metrics)
    assert done.returncode == 0, done.stderr
    assert "title-overlap" in done.stdout

    listed = _run(environment, tmp_path, "leaderboard", "results", "--format", "json")
    means = {row["reranker"]: row["metrics"]["Success@5"] for row in json.loads(listed.stdout)}
    assert set(means) >= {"title-overlap", "overlap"}
    assert means["overlap"] == pytest.approx(_success(tmp_path / "results", "overlap"))
    assert 0 < means["title-overlap"] <= means["overlap"] <= 1


def test_the_packages_collection_is_run(environment: Mapping[str, str], tmp_path: Path) -> None:
    words = ["run", "-d", "seasons", "-m", "overlap", "--no-speed", "--metric", "P@1"]
    done = _run(environment, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    listed = _run(environment, tmp_path, "leaderboard", "results", "--format", "json")
    rows = {row["reranker"]: row for row in json.loads(listed.stdout)}
    # Each query shares the most words with the document that answers it.
    assert rows["overlap"]["metrics"]["P@1"] == 1.0
    assert (rows["overlap"]["collection"], rows["overlap"]["queries"]) == ("seasons", 3)
    refused = _run(environment, tmp_path, *words, "--split", "dev")
    assert refused.returncode == 2
    assert "seasons has no split 'dev'; its only one is test" in refused.stderr


def test_a_metric_of_the_package_in_evaluate(
    environment: Mapping[str, str], tmp_path: Path
) -> None:
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\na\td\t1\nb\td\t1\n")
    (tmp_path / "run.trec").write_text("a Q0 e 1 2.0 x\na Q0 d 2 1.0 x\nb Q0 d 1 1.0 x\n")
    words = ["evaluate", "qrels.tsv", "run.trec", "--metric", "Success@1", "--format", "json"]
    done = _run(environment, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"Success@1": 0.5, "queries": 2}


def _success(results: Path, reranker: str) -> float:
    """Success@5 of a record's run, from its texts: the overlap of words, counted anew."""
    lines = (DEMO / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    texts = {doc["_id"]: f"{doc['title']} {doc['text']}" for doc in map(json.loads, lines)}
    lines = (DEMO / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = {query["_id"]: query["text"] for query in map(json.loads, lines)}
    relevant: dict[str, set[str]] = {}
    for line in (DEMO / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query_id, doc_id, grade = line.split("\t")
        relevant.setdefault(query_id, set()).update([doc_id] * (int(grade) > 0))
    hits = 0
    records = [json.loads(path.read_text()) for path in results.glob("*/records/*.json")]
    (record,) = [each for each in records if each["cell"]["reranker"]["name"] == reranker]
    (run_file,) = results.glob(f"*/runs/{record['quality_key']}.trec.gz")
    for ranking in read_run(run_file):
        query = set(re.findall(r"\w+", queries[ranking.query_id].lower()))

        def share(doc_id: str, query: set[str] = query) -> float:
            document = set(re.findall(r"\w+", texts[doc_id].lower()))
            return len(query & document) / len(query | document)

        ids = [hit.doc_id for hit in ranking.hits]
        best = sorted(ids, key=lambda doc_id: (share(doc_id), doc_id), reverse=True)[:5]
        hits += bool(relevant[ranking.query_id] & set(best))
    return hits / len(relevant)
