"""What a collection says of itself, from its files to the figures of a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval

from .. import tiny
from .conftest import Command

DOCUMENTS = {
    "1": "lantern over the harbour, rising tide",
    "2": "lantern over the meadow",
    "3": "a lantern of copper and ivory",
    "4": "harbour gulls and the rising tide",
    "5": "walnut, willow and yarrow",
}
QUERIES = {"1": "lantern over the harbour", "4": "Harbour gulls and the rising tide."}


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _write(
    name: str,
    queries: Mapping[str, str] = QUERIES,
    grades: Mapping[tuple[str, str], object] = {("1", "2"): 1, ("4", "1"): 1},
) -> Path:
    folder = Path(name)
    (folder / "qrels").mkdir(parents=True)
    for file, texts in (("corpus", DOCUMENTS), ("queries", queries)):
        lines = [json.dumps({"_id": key, "text": text}) for key, text in texts.items()]
        (folder / f"{file}.jsonl").write_text("\n".join(lines))
    rows = [f"{query}\t{document}\t{grade}\n" for (query, document), grade in grades.items()]
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    return folder


def _run(command: Command, *lines: str, models: str = "[bm25]") -> tuple[str, dict[str, Any]]:
    """What is printed, and the records by name."""
    text = [f"models: {models}", "speed: {enabled: false}", "device: cpu", *lines]
    Path("c.yaml").write_text("\n".join(text))
    done = command("run", "c.yaml")
    assert done.code == 0, done.err
    (suite,) = [line.partition(": ")[2] for line in lines if line.startswith("suite")] or ["c"]
    return done.out, tiny.records(Path("results") / suite)


def _ranked(record: Mapping[str, Any]) -> dict[str, list[str]]:
    (path,) = Path("results").rglob(f"runs/{record['quality_key']}.trec.gz")
    found: dict[str, list[str]] = {}
    for query, document, _ in tiny.run_lines(path):
        found.setdefault(query, []).append(document)
    return found


def test_a_query_that_is_a_document_is_no_candidate_of_its_own(command: Command) -> None:
    # Query 4 is document 4; of query 1 only the number is the same.
    _write("arguments")
    out, records = _run(command, "datasets: [arguments]", "top_k: 2")
    ranked = _ranked(records["bm25"])
    assert ranked == {"1": ["1", "2"], "4": ["1"]}
    collection = records["bm25"]["cell"]["collection"]
    assert (collection["drops_identical_ids"], collection["unlike_ids_stay"]) == (True, True)
    (told,) = (each for each in records["bm25"]["warnings"] if "own candidates" in each)
    assert told.startswith("1 queries are documents of the collection (same id, same text)")
    assert told in out


def test_numbers_that_coincide_are_kept_whatever_the_folder_is_called(command: Command) -> None:
    asked = {"1": "lantern over the harbour", "4": "harbour gulls"}
    _write("quora", queries=asked)
    _, records = _run(command, "datasets: [quora]")
    assert _ranked(records["bm25"])["4"][0] == "4"
    assert records["bm25"]["cell"]["collection"]["drops_identical_ids"] is False


def test_the_rule_is_the_configs_where_it_says_one_and_part_of_the_key(command: Command) -> None:
    _write("arguments")
    keys = set()
    for rule, dropped in (("auto", {"4"}), ("true", {"1", "4"}), ("false", set[str]())):
        _, records = _run(
            command,
            f"datasets: [{{id: arguments, drop_identical_ids: {rule}}}]",
            f"suite: s{rule}",
        )
        keys.add(records["bm25"]["quality_key"])
        ranked = _ranked(records["bm25"])
        assert {query for query in QUERIES if query not in ranked[query]} == dropped
    assert len(keys) == 3


def test_at_depth_k_there_are_k_candidates_besides_the_query(command: Command) -> None:
    _write("arguments")
    _, records = _run(command, "datasets: [arguments]", "top_k: 1")
    assert _ranked(records["bm25"]) == {"1": ["1"], "4": ["1"]}


def test_whole_grades_with_a_point_are_the_same_collection(command: Command) -> None:
    plain = {("1", "2"): 2, ("1", "3"): 0, ("4", "1"): 1}
    _write("plain", grades=plain)
    _write("pointed", grades={pair: f"{grade}.0" for pair, grade in plain.items()})
    hashes = []
    for name in ("plain", "pointed"):
        _, records = _run(command, f"datasets: [{name}]", f"suite: {name}")
        hashes.append(records["bm25"]["cell"]["collection"]["hashes"])
    assert hashes[0] == hashes[1]


def test_queries_without_a_relevant_document_are_told(command: Command) -> None:
    _write("judged", grades={("1", "2"): 1, ("4", "1"): 0})
    out, records = _run(command, "datasets: [judged]")
    told = "1 judged queries have no relevant document and score 0 (first: '4')"
    assert told in records["bm25"]["warnings"]
    assert told in out


GRADED = {("1", "1"): 1, ("1", "3"): 3, ("1", "2"): 2, ("4", "1"): 2, ("4", "2"): 1}


def test_figures_are_at_the_level_of_the_collection(command: Command) -> None:
    _write("dl19", grades=GRADED)
    _write("other", grades={**GRADED, ("4", "3"): 1})
    out, records = _run(
        command, "datasets: [dl19]", "metrics: [MAP, RR@10]", models="[bm25, random]"
    )
    qrels: dict[str, dict[str, int]] = {}
    for (query, document), grade in GRADED.items():
        qrels.setdefault(query, {})[document] = grade
    (path,) = Path("results").rglob(f"runs/{records['random']['quality_key']}.trec.gz")
    run: dict[str, dict[str, float]] = {}
    for query, document, score in tiny.run_lines(path):
        run.setdefault(query, {})[document] = score
    measures = {"map", "recip_rank", "recall.5", "P.10", "ndcg_cut.10"}
    reference = pytrec_eval.RelevanceEvaluator(qrels, measures, relevance_level=2).evaluate(run)
    names = {
        "MAP(rel=2)": "map",
        "MRR(rel=2)@10": "recip_rank",
        "Recall(rel=2)@5": "recall_5",
        "P(rel=2)@10": "P_10",
        "nDCG@10": "ndcg_cut_10",
    }
    for name, key in names.items():
        expected = {query: values[key] for query, values in reference.items()}
        assert records["random"]["per_query"][name] == pytest.approx(expected)
    assert "MAP" not in records["random"]["per_query"]
    assert "| Reranker | MAP(rel=2) |" in out
    Path("both.yaml").write_text(
        "datasets: [dl19, other]\nmodels: [bm25]\nmetrics: [MAP]\nspeed: {enabled: false}\n"
    )
    out = command("run", "both.yaml").out
    assert "MAP by collection" in out
    assert "| dl19 (rel=2) | " in out.replace("  ", " ") and "other (rel" not in out
    out = command("leaderboard", "results/c", "--layout", "honesty").out
    heads = [cell.strip() for cell in out.splitlines()[2].split("|")]
    assert heads[2:4] == ["MAP(rel=2)", "Ceiling (rel=2)"]
    assert not any("(rel" in head for head in heads[4:])


def test_pages_of_collections_with_several_levels_hold_each_at_its_own(command: Command) -> None:
    _write("dl20", grades=GRADED)
    _write("other", grades={**GRADED, ("4", "3"): 1})
    command(
        *("run", "-d", "dl20", "-d", "other", "-m", "random", "-m", "oracle", "--metric", "MAP"),
        "--no-speed",
    )
    for metric in ("MAP", "RR@10", "nDCG@10"):
        done = command("report", "results", "-o", "page.html", "--metric", metric)
        assert done.code == 0, done.err
    done = command("depth", "results", "-m", "random", "--metric", "MAP")
    assert "MAP(rel=2)" in done.out and " MAP |" in done.out, done.err
    done = command("slices", "results", "-m", "random", "--by", "relevant", "--metric", "MAP")
    assert "MAP(rel=2)" in done.out and " MAP |" in done.out, done.err


def test_a_record_at_one_level_gets_the_figures_of_another_beside(command: Command) -> None:
    _write("mine", grades=GRADED)
    _, before = _run(command, "datasets: [mine]", "metrics: [MAP]")
    out, after = _run(command, "datasets: [{id: mine, relevance_level: 2}]", "metrics: [MAP]")
    old, new = before["bm25"], after["bm25"]
    assert old["quality_key"] == new["quality_key"]
    assert new["per_query"].keys() - old["per_query"].keys() >= {"MAP(rel=2)", "P(rel=2)@10"}
    assert new["per_query"]["MAP"] == old["per_query"]["MAP"]
    assert "| MAP(rel=2) |" in out
    for command_line in (
        ("compare", "results", "results", "--metric", "MAP(rel=2)"),
        ("gate", "results", "results", "--max-drop", "RR(rel=2)@10=0.01"),
        ("leaderboard", "results"),
    ):
        done = command(*command_line)
        assert done.code == 0 and "(rel=2)" in done.out, done.err


def test_level_1_is_shown_where_it_was_asked_for(command: Command) -> None:
    _write("dl21", grades=GRADED)
    out, records = _run(command, "datasets: [dl21]", "metrics: [AP(rel=1)]")
    values = records["bm25"]["per_query"]
    assert values["MAP"] != values["MAP(rel=2)"]
    mean = sum(values["MAP"].values()) / len(values["MAP"])
    assert "| MAP(rel=1) |" in out and f"*{mean:.3f}*" in out
    done = command("gate", "results", "results", "--max-drop", "MAP(rel=1)=0.1")
    assert f" {mean:.4f} " in done.out, done.err


def test_evaluate_knows_levels(command: Command) -> None:
    folder = _write("mine", grades=GRADED)
    Path("a.trec").write_text("1 Q0 1 1 3 t\n1 Q0 3 2 2 t\n4 Q0 2 1 1 t\n")
    done = command(
        *("evaluate", folder / "qrels" / "test.tsv", "a.trec", "--format", "json"),
        *("--metric", "RR(rel=2)@10", "--metric", "RR@10", "--metric", "AP(rel=3)"),
    )
    found = json.loads(done.out)
    assert found == {"RR(rel=2)@10": 0.25, "RR@10": 1.0, "AP(rel=3)": 0.25, "queries": 2}


def test_evaluate_tells_of_ranks_that_contradict_scores(command: Command) -> None:
    folder = _write("mine")
    Path("a.trec").write_text("1 Q0 2 1 0.5 t\n1 Q0 3 2 0.9 t\n4 Q0 1 1 1 t\n")
    done = command("evaluate", folder / "qrels" / "test.tsv", "a.trec")
    assert "a.trec: ranks contradict scores in 1 of 2 queries (first: '1')" in done.err
    _, records = _run(command, "datasets: [mine]", "first_stages: ['run:a.trec']")
    warnings = records["first stage"]["warnings"]
    assert any("ranks contradict scores" in each for each in warnings)
