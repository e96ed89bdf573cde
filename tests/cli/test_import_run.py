"""`rerankbench import`: another tool's run becomes a record like those that are measured here."""

from __future__ import annotations

import hashlib
import json
import random
import re
from pathlib import Path
from statistics import fmean

import ir_measures
import pytest
import pytrec_eval

from rerankbench.results import derived
from rerankbench.results.record_set import open_archive
from rerankbench.results.store import read_records
from rerankbench.types import Record

from .. import tiny
from .conftest import Command

Run = dict[str, dict[str, float]]
QUERIES = tuple(f"q{i}" for i in range(6))


def _some_run(seed: int = 0, *, documents: int = 15, queries: tuple[str, ...] = QUERIES) -> Run:
    numbers = random.Random(seed)
    return {
        query: {f"d{doc}": numbers.random() for doc in numbers.sample(range(40), documents)}
        for query in queries
    }


def _write_json(path: Path, run: Run) -> Path:
    path.write_text(json.dumps(run))
    return path


def _write_trec(path: Path, run: Run) -> Path:
    lines = (f"{q} Q0 {d} 1 {s!r} tag\n" for q, scores in run.items() for d, s in scores.items())
    path.write_text("".join(lines))
    return path


def _qrels(collection: Path) -> list[ir_measures.Qrel]:
    lines = (collection / "qrels" / "test.tsv").read_text().splitlines()[1:]
    return [
        ir_measures.Qrel(query, doc, int(grade))
        for query, doc, grade in (line.split("\t") for line in lines)
    ]


def _by_name(results: Path) -> dict[str, Record]:
    return {record.cell.reranker.name: record for record in read_records([results])}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


def test_an_imported_record_holds_what_ir_measures_computes(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = {**_some_run(queries=QUERIES[:5]), "unjudged": {"d1": 1.0}}
    path = _write_json(tmp_path / "their-model.json", run)
    done = command("import", path, "-d", collection, "-o", results, "--metric", "AP@5")
    assert (done.code, done.out) == (0, "")
    record = _by_name(results)["their-model"]
    qrels = _qrels(collection)
    names = {"nDCG@10": "nDCG@10", "MAP": "AP", "MAP@5": "AP@5", "MRR@10": "RR@10", "P@10": "P@10"}
    measures = [ir_measures.parse_measure(name) for name in names.values()]
    found = ir_measures.calc_aggregate(measures, qrels, run)
    for ours, theirs in names.items():
        expected = found[ir_measures.parse_measure(theirs)]
        assert record.mean(ours) == pytest.approx(expected, abs=1e-12)
    assert next(iter(record.per_query)) == "MAP@5", "what was asked for comes first"
    assert record.queries_without_results == 1
    assert record.warnings == ("1 judged queries have no results and score 0",)
    assert record.cell.reranker.family == "imported"
    assert record.cell.depth == 15
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.cell.reranker.recipe == {"run_sha256": sha256}
    assert record.measurements.throughput is None
    assert "warning: their-model: 1 judged queries" in done.err
    assert f"1 records in {results / 'default'}" in done.err


def test_the_form_of_the_file_does_not_matter_but_for_its_hash(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = _some_run()
    paths = [_write_json(tmp_path / "a.json", run), _write_trec(tmp_path / "b.trec", run)]
    assert command("import", *paths, "-d", collection, "-o", results).code == 0
    one, two = _by_name(results)["a"], _by_name(results)["b"]
    assert one.per_query == two.per_query
    assert one.run_sha256 == two.run_sha256
    assert one.quality_key != two.quality_key


def test_a_run_that_went_out_and_came_back_is_the_same_work(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    """Measured, exported, imported: the same values, and a row of the same task."""
    options = ("-d", collection, "-o", results, "-k", 12)
    assert command("run", *options, "-m", "random", "--no-speed").code == 0
    assert command("export", results, "--format", "ranx", "-o", tmp_path / "out").code == 0
    exported = tmp_path / "out" / "small.bm25.12.random.json"
    done = command("import", exported, "--name", "back", "--first-stage", "bm25", *options)
    assert done.code == 0
    archive = open_archive([results])
    records = {record.cell.reranker.name: record for record in archive.records}
    measured, back = records["random"], records["back"]
    assert back.per_query == measured.per_query
    assert back.run_sha256 == measured.run_sha256
    assert back.warnings == measured.warnings
    assert back.cell.task.digest == measured.cell.task.digest
    assert archive.rankings(back) == archive.rankings(measured)
    table = command("leaderboard", results).out
    assert table.count("### small (test), bm25 top-12") == 1
    assert "Imported from run files, not run here: back." in table
    assert "engine none" not in table
    assert derived.machine(back) == "another tool, whose run was imported"


def test_importing_alone_writes_the_task_that_running_would(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    options = ("-d", collection, "-k", 12)
    path = _write_json(tmp_path / "a.json", _some_run())
    command("import", path, "--first-stage", "bm25", "--suite", "s", "-o", results, *options)
    other = tmp_path / "measured"
    command("run", "-m", "bm25", "--no-speed", "--suite", "s", "-o", other, *options)
    (imported,) = results.rglob("tasks/*")
    (measured,) = other.rglob("tasks/*")
    assert imported.name == measured.name
    assert imported.read_bytes() == measured.read_bytes()


def test_a_run_whose_first_stage_nobody_states_is_a_task_of_its_own(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    path = _write_json(tmp_path / "a.json", _some_run(documents=10))
    options = ("-d", collection, "-o", results, "-k", 10)
    command("import", path, *options, "--name", "unstated")
    command("import", path, *options, "--name", "stated", "--first-stage", "bm25")
    unstated, stated = _by_name(results)["unstated"], _by_name(results)["stated"]
    assert unstated.cell.first_stage.name == "unstated"
    assert unstated.per_query == stated.per_query
    archive = open_archive([results])
    assert archive.task(unstated) is None, "candidates that nobody knows would be made up"
    assert archive.task(stated) is not None
    assert unstated.cell.task.digest != stated.cell.task.digest


def test_documents_from_nowhere_are_counted_and_keep_their_ranks(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    first = _write_trec(tmp_path / "first.trec", {q: {"d1": 2.0, "d2": 1.0} for q in QUERIES})
    run = {q: {"d2": 1.0} for q in QUERIES}
    run["q0"] = {"ghost": 9.0, "d2": 2.0, "d7": 1.0}
    path = _write_json(tmp_path / "a.json", run)
    common = ("import", path, "-d", collection, "-o", results, "-k", 3)
    command(*common, "--suite", "with", "--first-stage", f"run:{first}")
    command(*common, "--suite", "without")
    ghost = "1 documents are not in the collection, such as 'ghost'"
    assert _by_name(results / "without")["a"].warnings == (ghost,)
    assert _by_name(results / "with")["a"].warnings == (
        ghost,
        "2 documents of 1 queries are not among the first stage's candidates, such as 'ghost': "
        "this run is not a reranking of them",
    )
    rankings = open_archive([results / "with"]).rankings(_by_name(results / "with")["a"])
    assert rankings is not None
    assert [hit.doc_id for hit in rankings[0].hits] == ["ghost", "d2", "d7"]


def test_lists_are_cut_at_the_depth_in_trec_evals_order(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = {query: {"d1": 1.0, "d2": 1.0, "d3": 1.0, "d4": 2.0} for query in QUERIES}
    path = _write_json(tmp_path / "a.json", run)
    command("import", path, "-d", collection, "-o", results, "-k", 2)
    record = _by_name(results)["a"]
    rankings = open_archive([results]).rankings(record)
    assert rankings is not None
    assert {tuple(hit.doc_id for hit in each.hits) for each in rankings} == {("d4", "d3")}
    assert record.cell.depth == 2


def test_ties_are_audited(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = {query: dict.fromkeys(scores, 1.0) for query, scores in _some_run().items()}
    command("import", _write_json(tmp_path / "a.json", run), "-d", collection, "-o", results)
    record = _by_name(results)["a"]
    assert record.ties is not None
    assert record.ties.rate == 1.0
    assert record.warnings[0].startswith("100.0% of neighbouring scores tie: nDCG@10 is between")


def _elsewhere(err: str) -> list[str]:
    """The lines on what other tools make of the run `a`, without their beginnings."""
    lines = [line.removeprefix("warning: a: ") for line in err.splitlines()]
    return [line for line in lines if re.search("tools order|BEIR", line)]


def test_ties_that_other_tools_order_otherwise_are_told_of_with_their_range(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    """Four documents tie at the top, and ir_measures' RR@10 is within the range that is said."""
    qrels = _qrels(collection)
    run = _some_run(documents=30)
    for scores in run.values():
        scores.update(dict.fromkeys(list(scores)[:4], 2.0))
    path = _write_json(tmp_path / "a.json", run)
    done = command("import", path, "-d", collection, "-o", results, "--metric", "MRR@10")
    (line,) = _elsewhere(done.err)
    tied = 3 / 29
    assert line.startswith(
        f"{tied:.1%} of neighbouring scores tie, and tools order ties differently"
    )
    found = {
        name: tuple(map(float, values))
        for name, *values in re.findall(r"(\S+) ([\d.]+) here, ([\d.]+) to ([\d.]+)", line)
    }
    ours, worst, best = found["MRR@10"]
    assert ours == pytest.approx(_by_name(results)["a"].mean("MRR@10"), abs=5e-5)
    theirs = ir_measures.calc_aggregate([ir_measures.RR @ 10], qrels, run)[ir_measures.RR @ 10]
    assert worst < best
    assert worst - 5e-5 <= theirs <= best + 5e-5
    assert len(line) <= 300


def test_ties_that_change_no_figure_are_no_difference(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = {query: {"d1": 3.0, "nobody": 1.0, "none": 1.0} for query in QUERIES}
    path = _write_json(tmp_path / "a.json", run)
    done = command("import", path, "-d", collection, "-o", results)
    assert done.code == 0
    assert _elsewhere(done.err) == []


def test_documents_that_beir_would_drop_are_told_of_with_its_figure(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    """Every query has the document of its own name at the top, and nobody judged that one."""
    run = {query: {query: 9.0, **scores} for query, scores in _some_run().items()}
    path = _write_json(tmp_path / "a.json", run)
    done = command("import", path, "-d", collection, "-o", results)
    measure = ir_measures.nDCG @ 10
    dropped = {query: _without(scores, query) for query, scores in run.items()}
    here, there = (
        ir_measures.calc_aggregate([measure], _qrels(collection), each)[measure]
        for each in (run, dropped)
    )
    assert _elsewhere(done.err) == [
        "6 documents have their query's own id, and BEIR's evaluation drops them: "
        f"nDCG@10 {here:.4f} here, {there:.4f} there"
    ]


def _without(scores: dict[str, float], doc_id: str) -> dict[str, float]:
    return {name: score for name, score in scores.items() if name != doc_id}


def test_queries_that_other_means_leave_out_are_told_of_with_their_mean(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    run = _some_run(queries=QUERIES[:4])
    path = _write_json(tmp_path / "a.json", run)
    done = command("import", path, "-d", collection, "-o", results)
    qrels: dict[str, dict[str, int]] = {}
    for each in _qrels(collection):
        qrels.setdefault(each.query_id, {})[each.doc_id] = each.relevance
    # What pytrec_eval gives back holds the queries of both, as BEIR takes it.
    values = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"}).evaluate(run)
    there = fmean(each["ndcg_cut_10"] for each in values.values())
    assert len(values) == 4
    assert _elsewhere(done.err) == [
        "2 queries without results count as 0 here, and not at all in the means of BEIR, "
        "trectools and trec_eval without -c: "
        f"nDCG@10 {there * 4 / 6:.4f} here, {there:.4f} there"
    ]


@pytest.mark.parametrize(
    ("text", "whose", "difference"),
    [
        (
            '{"task_name": "T", "mteb_version": "2.0", "scores": {"test": [{"ndcg_at_10": 0.5}]}}',
            "MTEB",
            "put all negatives first where scores tie",
        ),
        (
            '{"stat_test": "fisher", "metrics": ["mrr"], "model_names": ["A"], "A": {}}',
            "ranx",
            "a p of 0 means a small p",
        ),
        ('[{"NDCG@10": 0.5, "NDCG@100": 0.6}, {"MAP@10": 0.4}]', "BEIR", "their query's own id"),
        ("nDCG@10\t0.5\nRR@10\t0.25\n", "ir_measures", "RR@k breaks ties by document id rising"),
        ("q1\tnDCG@10\t0.5\nall\tnDCG@10\t0.5\n", "ir_measures", "they are defined as ours"),
        ("nDCG(dcg='exp-log2')@10\t0.5\n", "ir_measures", "cuts query ids at the last hyphen"),
        ("runid\tall\tx\nnum_q\tall\t6\nmap\tall\t0.5\n", "trec_eval", "without -c"),
        (
            "epoch,steps,MAP,MRR@10,NDCG@10\n-1,-1,0.5,0.5,0.5\n",
            "sentence-transformers",
            "averages over ties",
        ),
    ],
)
def test_figures_in_place_of_a_run_are_refused_with_what_sets_them_apart(
    command: Command,
    collection: Path,
    results: Path,
    tmp_path: Path,
    text: str,
    whose: str,
    difference: str,
) -> None:
    path = tmp_path / "figures.txt"
    path.write_text(text)
    done = command("import", path, "-d", collection, "-o", results)
    assert (done.code, done.out) == (2, "")
    assert f"has figures of {whose}, not a run; " in done.err
    assert difference in done.err
    assert "import the run that they were computed from" in done.err
    assert done.err.count("\n") == 1
    assert not results.exists()


def test_importing_again_changes_nothing_and_another_metric_is_added(
    command: Command, collection: Path, results: Path, tmp_path: Path
) -> None:
    path = _write_json(tmp_path / "a.json", _some_run())
    options = ("import", path, "-d", collection, "-o", results, "--first-stage", "bm25")
    command(*options)
    before = {file: file.read_bytes() for file in results.rglob("*.*")}
    done = command(*options)
    assert "a: is recorded already" in done.err
    assert {file: file.read_bytes() for file in results.rglob("*.*")} == before
    command(*options, "--metric", "P@3")
    again = _by_name(results)["a"]
    assert len(before) == len(list(results.rglob("*.*")))
    assert "P@3" in again.per_query
    command(*options)
    assert "P@3" in _by_name(results)["a"].per_query


def test_a_document_with_the_querys_own_id_is_dropped_where_the_collection_asks(
    command: Command, results: Path, tmp_path: Path
) -> None:
    folder = tiny.write_collection(tmp_path / "arguana")
    for name in ("queries.jsonl", "qrels/test.tsv"):
        text = (folder / name).read_text()
        # Queries are called as documents are; ids of documents in qrels come in their own column.
        (folder / name).write_text(text.replace('"_id": "q', '"_id": "d').replace("\nq", "\nd"))
    run = {f"d{i}": {f"d{i}": 3.0, "d20": 2.0, "d21": 1.0} for i in range(6)}
    path = _write_json(tmp_path / "a.json", run)
    command("import", path, "-d", folder, "-o", results, "-k", 2)
    record = _by_name(results)["a"]
    rankings = open_archive([results]).rankings(record)
    assert rankings is not None
    assert {tuple(hit.doc_id for hit in each.hits) for each in rankings} == {("d20", "d21")}
    assert "6 documents with their query's own id were dropped before the cut" in record.warnings


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--name", "both"), "--name names one run; several are named after their files"),
        (("--first-stage", "bm26"), "no first stage 'bm26'; did you mean 'bm25'?"),
        (("--metric", "nDGC@10"), "no metric 'nDGC@10'; did you mean 'nDCG'?"),
        (("--split", "dev"), "dev"),
    ],
)
def test_what_cannot_be_leaves_nothing_behind(
    command: Command,
    collection: Path,
    results: Path,
    tmp_path: Path,
    options: tuple[str, str],
    message: str,
) -> None:
    paths = [_write_json(tmp_path / f"{seed}.json", _some_run(seed)) for seed in (1, 2)]
    done = command("import", *paths, "-d", collection, "-o", results, *options)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err
    assert not results.exists()


@pytest.mark.parametrize(
    ("name", "run", "message"),
    [
        ("b.json", {"q0": {"d1": "high"}}, 'the score "high" is no number'),
        ("b.json", {"q0": {}}, "has no documents"),
        ("b.json", {"x": {"d1": 1.0}}, "answers none of the 6 judged queries of small/test"),
        ("a.trec.json", {"q0": {"d1": 1.0}}, "would both be 'a'; rename one"),
        ("b.json", _some_run(), "are the same run; import one of them"),
    ],
)
def test_one_bad_run_of_two_stops_both(
    command: Command,
    collection: Path,
    results: Path,
    tmp_path: Path,
    name: str,
    run: Run,
    message: str,
) -> None:
    good = _write_json(tmp_path / "a.json", _some_run())
    bad = _write_json(tmp_path / name, run)
    options = ("-d", collection, "-o", results, "--first-stage", "bm25")
    done = command("import", good, bad, *options)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert not results.exists()
