"""`run --dry-run`: what is left to do, against what the runs themselves counted and wrote."""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

import rerankbench
from rerankbench.registry import naming
from rerankbench.rerankers import sequence_classification
from rerankbench.results.store import read_record
from rerankbench.run import environment

from .. import tiny
from .conftest import Command

DEMO = ("-d", "demo", "-m", "demo-cross-encoder", "--device", "cpu", "--engine", "torch")
SMALL = (*DEMO, "--dtype", "float32", "--limit-queries", 6, "-k", 12)
BEFORE = Path(__file__).parent.parent / "data" / "version_0_1"


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _forecast(command: Command, *options: object) -> dict[str, dict[str, Any]]:
    """The cells by reranker."""
    done = command("run", *options, "--dry-run", "--format", "json")
    assert done.code == 0, done.err
    return {cell["reranker"]: cell for cell in json.loads(done.out)}


def _pairs(reranker: str) -> list[tuple[str, str]]:
    """Query id and document id of every line of the run that a record was computed from."""
    key = tiny.records(Path("results"))[reranker]["quality_key"]
    (path,) = Path("results").rglob(f"runs/{key}.trec.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return [(line.split()[0], line.split()[2]) for line in lines]


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.parent.name != "hashes"
    }


def test_it_loads_nothing_and_writes_nothing_but_the_hash_of_a_collection(
    command: Command, collection: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> None:
        raise AssertionError("a dry run loads no model")

    monkeypatch.setattr(type(sequence_classification.DEMO), "build", load)
    before = _tree(tmp_path)
    done = command("run", *DEMO, "-d", collection, "--dry-run")
    assert done.code == 0, done.err
    assert _tree(tmp_path) == before
    assert "demo-cross-encoder" in done.out
    assert "Nothing was run" in done.out


def test_pairs_and_tokens_are_near_those_that_the_tokeniser_of_the_model_counts(
    command: Command,
) -> None:
    options = (*DEMO, "--limit-queries", 40, "-k", 12, "--no-speed")
    before = _forecast(command, *options)["demo-cross-encoder"]
    assert command("run", *options, "-m", "bm25", "--suite", "other").code == 0
    pairs = _pairs("demo-cross-encoder")
    folder = Path(rerankbench.__file__).parent / "rerankers" / "demo-cross-encoder"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    demo = naming.open_collection("demo")
    queries = {query.query_id: query.text for query in demo.queries()}
    documents = demo.lookup({doc_id for _, doc_id in pairs})
    tokens = sum(
        len(tokenizer.encode(queries[query], documents[doc_id].content).ids)
        for query, doc_id in pairs
    )
    assert (before["pairs"], before["pairs_are_known"]) == (480, False)
    assert before["pairs"] >= len(pairs)
    after = _forecast(command, *options)["demo-cross-encoder"]
    assert (after["state"], after["pairs_are_known"]) == ("to do", True)
    assert after["pairs"] == after["pairs_left"] == len(pairs)
    assert after["tokens_left"] == pytest.approx(tokens, rel=0.1)
    assert before["tokens_left"] / before["pairs"] == pytest.approx(tokens / len(pairs), rel=0.15)


def test_finished_cells_and_those_that_lack_speed_or_metrics_are_told_apart(
    command: Command,
) -> None:
    assert command("run", *SMALL, "--no-speed").code == 0

    def state(*options: object) -> tuple[str, int]:
        cell = _forecast(command, *SMALL, *options)["demo-cross-encoder"]
        return cell["state"], cell["pairs_left"]

    assert state("--no-speed") == ("finished", 0)
    assert state() == ("to measure", 0)
    assert state("--no-speed", "--metric", "P@3") == ("to evaluate", 0)
    scored = len(_pairs("demo-cross-encoder"))
    assert state("--no-speed", "--fresh") == ("to do", scored)
    for run in Path("results").rglob("*.trec.gz"):
        run.unlink()
    assert state("--no-speed", "--metric", "P@3") == ("to do", scored)


def test_what_a_killed_run_scored_is_not_left(
    command: Command, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = BEFORE / "interrupted" / "scores.jsonl"
    key = json.loads(journal.read_text().splitlines()[0])["cell"]
    record = read_record(BEFORE / "interrupted" / "records" / f"{key}.json")
    monkeypatch.setattr(environment, "inspect", lambda: record.environment)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    config = BEFORE / "interrupted" / "config.yaml"
    first = _forecast(command, config)["demo-cross-encoder"]
    # The first stage leaves its candidates in the cache.
    assert command("run", config, "-m", "random", "--suite", "other").code == 0
    (own_cache / "work" / key).mkdir(parents=True)
    shutil.copy(journal, own_cache / "work" / key)
    cell = _forecast(command, config)["demo-cross-encoder"]
    scored = sum(len(json.loads(line)["pairs"]) for line in journal.read_text().splitlines()[1:])
    assert (cell["state"], cell["pairs_left"]) == ("half-done", cell["pairs"] - scored)
    assert (first["state"], first["pairs_left"]) == ("to do", first["pairs"])
    shown = command("run", config, "--dry-run").out
    assert f"{100 * scored / cell['pairs']:.0f} % scored" in shown


def test_hours_and_dollars_follow_from_the_speed_that_a_record_has(command: Command) -> None:
    Path("config.yaml").write_text(
        "datasets: [demo]\n"
        "models:\n"
        "  - model: demo-cross-encoder\n"
        "    price: {amount: 3.5, unit: hour, date: 2026-11-01}\n"
        "limit_queries: 6\ntop_k: 12\ndevice: cpu\nengine: torch\ndtype: float32\n"
        "speed: {budget_s: 3}\n"
    )
    unknown = _forecast(command, "config.yaml")["demo-cross-encoder"]
    assert (unknown["hours"], unknown["cost"], unknown["currency"]) == (None, None, "USD")
    assert command("run", "config.yaml").code == 0
    throughput = tiny.records(Path("results"))["demo-cross-encoder"]["measurements"]["throughput"]
    seconds_a_pair = statistics.median(throughput["passes_s"]) / throughput["pairs"]
    cell = _forecast(command, "config.yaml", "-k", 10)["demo-cross-encoder"]
    assert cell["tokens_left"] == round(60 * throughput["tokens"] / throughput["pairs"])
    assert cell["hours"] == pytest.approx((60 * seconds_a_pair + 3) / 3600)
    assert cell["cost"] == pytest.approx(cell["hours"] * 3.5)
    baseline = _forecast(command, "config.yaml", "-k", 10)["bm25"]
    assert (baseline["tokens_left"], baseline["hours"], baseline["cost"]) == (0, 0, None)
    # Threads are a setting: what one had says nothing of another.
    other = _forecast(command, "config.yaml", "-k", 10, "--batch-tokens", 999)
    assert other["demo-cross-encoder"]["hours"] is None


def test_another_collection_is_foreseen_token_by_token(command: Command, collection: Path) -> None:
    assert command("run", *SMALL, "--speed-budget", 3).code == 0
    throughput = tiny.records(Path("results"))["demo-cross-encoder"]["measurements"]["throughput"]
    seconds_a_token = statistics.median(throughput["passes_s"]) / throughput["tokens"]
    options = ("-d", collection, *SMALL[2:], "--no-speed")
    cell = _forecast(command, *options)["demo-cross-encoder"]
    assert cell["hours"] == pytest.approx(cell["tokens_left"] * seconds_a_token / 3600)


def test_a_page_is_at_most_80_columns_wide_and_names_what_is_unknown(command: Command) -> None:
    Path("config.yaml").write_text(
        "datasets: [demo]\n"
        "models:\n"
        "  - model: demo-cross-encoder\n"
        f"    name: {'a name that is long ' * 6}\n"
        "    price: {amount: 250, unit: token, per: 1000, currency: EUR, date: 2026-11-01}\n"
        "  - {model: demo-cross-encoder, name: other}\n"
        "device: cpu\n"
    )
    done = command("run", "config.yaml", "--dry-run")
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert "unknown hours (plus" not in done.out and "unknown hours" in done.out
    tokens = _forecast(command, "config.yaml")["other"]["tokens_left"]
    assert f"{tokens * 250 / 1000:,.0f} EUR" in done.out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("-d", "no-such-folder/", "-m", "bm25", "--dry-run"), "no-such-folder"),
        (("--dry-run", "--format", "csv"), "no format 'csv'; known: text, json"),
        (("--format", "json"), "--format is for --dry-run"),
    ],
)
def test_bad_input_ends_with_2(command: Command, options: tuple[str, ...], complaint: str) -> None:
    done = command("run", *options)
    assert done.code == 2
    assert complaint in done.err
    assert not Path("results").exists()
