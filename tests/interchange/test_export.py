"""Exported files: other tools compute from them what the records hold."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import ir_measures
import pytest

from rerankbench.errors import InputError, UsageError
from rerankbench.files import trec
from rerankbench.interchange.export import FORMATS, export
from rerankbench.interchange.names import ir_measures_name
from rerankbench.results.record_set import open_archive
from rerankbench.results.store import Store
from rerankbench.results.tasks import write_task
from rerankbench.types import Record

from ..leaderboard.records import make_record
from .suites import METRICS, QRELS, Said, record_of, task_of, untied, write_record


def _export(
    results: Path, form: str, folder: Path, *, gzipped: bool = False, untied: bool = False
) -> list[str]:
    """Export everything; the warnings that were given."""
    said = Said()
    archive = open_archive([results], with_settings=False)
    export(archive, form, folder, gzipped=gzipped, untied=untied, progress=said)
    return said.warnings


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def written(tmp_path: Path) -> Record:
    """One record below `tmp_path/results`, with its run and task."""
    rankings = untied()
    return write_record(tmp_path / "results", record_of(rankings), rankings)


def test_ir_measures_computes_the_records_means_from_trec_files(
    written: Record, tmp_path: Path
) -> None:
    assert _export(tmp_path / "results", "trec", tmp_path / "out") == []
    assert _names(tmp_path / "out") == ["scifact.bm25.100.org_model.trec", "scifact.test.qrels"]
    out = tmp_path / "out"
    run_path = str(out / "scifact.bm25.100.org_model.trec")
    qrels = list(ir_measures.read_trec_qrels(str(out / "scifact.test.qrels")))  # type: ignore[no-untyped-call]
    run = list(ir_measures.read_trec_run(run_path))  # type: ignore[no-untyped-call]
    names = {name: str(ir_measures_name(name)) for name in METRICS}
    # pytrec_eval aborts on negative grades where they are handed to it.
    qrels = [each._replace(relevance=max(0, each.relevance)) for each in qrels]
    measures = [ir_measures.parse_measure(name) for name in names.values()]
    found = {str(m): v for m, v in ir_measures.calc_aggregate(measures, qrels, run).items()}
    for ours, theirs in names.items():
        assert found[theirs] == pytest.approx(written.mean(ours), abs=1e-12), ours


def test_trec_files_hold_the_very_scores_and_judgments(written: Record, tmp_path: Path) -> None:
    _export(tmp_path / "results", "trec", tmp_path / "out")
    assert trec.read_run(tmp_path / "out" / "scifact.bm25.100.org_model.trec") == untied()
    assert trec.read_qrels(tmp_path / "out" / "scifact.test.qrels") == QRELS


# ranx compiles itself, which takes its time, and leaves its files open.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaWarning", "ignore::ResourceWarning")
def test_ranx_computes_the_records_means_from_its_files(written: Record, tmp_path: Path) -> None:
    import ranx

    assert _export(tmp_path / "results", "ranx", tmp_path / "out") == []
    run = ranx.Run.from_file(str(tmp_path / "out" / "scifact.bm25.100.org_model.json"))
    qrels = ranx.Qrels.from_file(str(tmp_path / "out" / "scifact.test.qrels.json"))
    theirs = {
        "ndcg@10": "nDCG@10",
        "ndcg@5": "nDCG@5",
        "map": "MAP",
        "map@5": "MAP@5",
        "mrr@10": "MRR@10",
        "recall@100": "Recall@100",
        "precision@10": "P@10",
    }
    found = ranx.evaluate(qrels, run, list(theirs), make_comparable=True)
    for name, ours in theirs.items():
        assert found[name] == pytest.approx(written.mean(ours), abs=1e-12), name
    # What docs/interoperability.md warns of: exponential gain is another measure.
    assert ranx.evaluate(qrels, run, "ndcg_burges@10") != pytest.approx(found["ndcg@10"], abs=1e-3)


def test_ir_measures_files_hold_what_its_command_prints(written: Record, tmp_path: Path) -> None:
    results, out = tmp_path / "results", tmp_path / "out"
    _export(results, "trec", out)
    _export(results, "ir-measures", out)
    qrels = out / "clean.qrels"
    qrels.write_text((out / "scifact.test.qrels").read_text().replace("-1", "0"))
    run, names = out / "scifact.bm25.100.org_model.trec", map(ir_measures_name, METRICS)
    options = [qrels, run, *names, "--by_query", "--places", "-1"]
    command = [sys.executable, "-m", "ir_measures", *map(str, options)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = _by_measure(printed.stdout)
    found = _by_measure((out / "scifact.bm25.100.org_model.ir_measures.tsv").read_text())
    assert found == {key: pytest.approx(value, abs=1e-12) for key, value in expected.items()}
    assert len(found) == len(METRICS) * (len(QRELS) + 1)


def _by_measure(lines: str) -> dict[tuple[str, str], float]:
    parts = [line.split("\t") for line in lines.splitlines()]
    return {(query, measure): float(value) for query, measure, value in parts}


def test_what_ir_measures_has_no_name_for_is_told_of_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        record = make_record(name, {"nDCG@10": [0.25, 0.5], "Surprise@3": 1.0})
        write_record(tmp_path / "results", record, [])
    assert _export(tmp_path / "results", "ir-measures", tmp_path / "out") == [
        "ir_measures has no Surprise@3; left out"
    ]
    text = (tmp_path / "out" / "scifact.bm25.100.a.ir_measures.tsv").read_text()
    assert text == "q0\tnDCG@10\t0.25\nq1\tnDCG@10\t0.5\nall\tnDCG@10\t0.375\n"


def test_gzip_packs_the_same_text(written: Record, tmp_path: Path) -> None:
    _export(tmp_path / "results", "trec", tmp_path / "plain")
    _export(tmp_path / "results", "trec", tmp_path / "packed", gzipped=True)
    for name in _names(tmp_path / "plain"):
        packed = (tmp_path / "packed" / f"{name}.gz").read_bytes()
        assert gzip.decompress(packed) == (tmp_path / "plain" / name).read_bytes()


def test_runs_that_would_share_a_name_are_told_apart_by_their_hash(tmp_path: Path) -> None:
    results = tmp_path / "results"
    found = {}
    for seed, dtype in enumerate(("float32", "bfloat16")):
        rankings = untied(seed)
        record = record_of(rankings, make_record("org/model", dtype=dtype))
        found[record.run_sha256[:8]] = rankings
        write_record(results, record, rankings)
    _export(results, "trec", tmp_path / "out")
    for sha, rankings in found.items():
        path = tmp_path / "out" / f"scifact.bm25.100.org_model.{sha}.trec"
        assert trec.read_run(path) == rankings
    assert len(_names(tmp_path / "out")) == 3


def test_one_run_from_two_machines_is_one_file(tmp_path: Path) -> None:
    rankings = untied()
    for machine in ("machine-a", "machine-b"):
        record = record_of(rankings, make_record("org/model", machine=machine))
        write_record(tmp_path / "results", replace(record, speed_key=machine), rankings)
    _export(tmp_path / "results", "trec", tmp_path / "out")
    assert _names(tmp_path / "out") == ["scifact.bm25.100.org_model.trec", "scifact.test.qrels"]


def test_hostile_names_stay_below_the_folder(tmp_path: Path) -> None:
    rankings = untied()
    made = make_record("../../<b>model</b>; rm -rf ~", collection="/etc/passwd")
    record = write_record(tmp_path / "results", record_of(rankings, made), rankings)
    for form in FORMATS:
        _export(tmp_path / "results", form, tmp_path / "out" / form)
    assert record.cell.reranker.name.startswith("../../")
    outside = {path.name for path in tmp_path.iterdir()}
    assert outside <= {"results", "out", "rerankbench-home"}
    assert _names(tmp_path / "out" / "trec") == [
        "_etc_passwd.bm25.100._.._b_model_b_rm_-rf_.trec",
        "_etc_passwd.test.qrels",
    ]


def test_missing_files_beside_a_record_are_told_of_in_a_line_each(
    written: Record, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    lonely = record_of(untied(1), make_record("lonely", collection="other"))
    store = Store(results=results, suite=lonely.suite)
    store.write_record(replace(lonely, quality_key="lonely"))
    assert _export(results, "ranx", tmp_path / "out") == [
        "other.bm25.100.lonely: its run file is missing; left out",
        "other.test: its judgments are missing; run its config again to write them",
    ]
    assert _names(tmp_path / "out") == [
        "scifact.bm25.100.org_model.json",
        "scifact.test.qrels.json",
    ]


def test_judgments_are_told_apart_and_missed_only_where_no_record_has_them(
    written: Record, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    sampled = record_of(untied(1), make_record("sampled", sampled_queries=1))
    store = Store(results=results, suite=sampled.suite)
    store.write(replace(sampled, quality_key="sampled"), untied(1))
    write_task(store.task_path(sampled.cell.task.digest), task_of(sampled, {"q0": {"d1": 1}}))
    lonely = replace(record_of(untied(2), make_record("deeper", depth=200)), quality_key="deeper")
    store.write(lonely, untied(2))
    assert _export(results, "trec", tmp_path / "out") == []
    qrels = [trec.read_qrels(path) for path in sorted((tmp_path / "out").glob("*.qrels"))]
    assert sorted(qrels, key=len) == [{"q0": {"d1": 1}}, QRELS]
    runs = sorted(path.name for path in (tmp_path / "out").glob("*.trec"))
    assert runs == [
        "scifact.bm25.100.org_model.trec",
        "scifact.bm25.100.sample1.sampled.trec",
        "scifact.bm25.200.deeper.trec",
    ]


def test_added_positives_are_named(tmp_path: Path) -> None:
    made = make_record("org/model")
    made = replace(made, cell=replace(made.cell, adds_positives=True))
    write_record(tmp_path / "results", record_of(untied(), made), untied())
    _export(tmp_path / "results", "trec", tmp_path / "out")
    assert "scifact.bm25.100.positives.org_model.trec" in _names(tmp_path / "out")


def test_a_run_that_answers_nothing_is_told_of(written: Record, tmp_path: Path) -> None:
    silent = record_of([], make_record("silent"))
    write_record(tmp_path / "results", silent, [])
    said = _export(tmp_path / "results", "trec", tmp_path / "out")
    assert said == ["scifact.bm25.100.silent: the run has no results; left out"]


def test_a_damaged_run_stops_the_export(written: Record, tmp_path: Path) -> None:
    (path,) = (tmp_path / "results").rglob("*.trec.gz")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="the run file is damaged; restore it"):
        _export(tmp_path / "results", "trec", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["ir-measures", "mteb"])
def test_untied_is_for_runs(written: Record, tmp_path: Path, form: str) -> None:
    with pytest.raises(UsageError, match=f"leave it out with --format {form}"):
        _export(tmp_path / "results", form, tmp_path / "out", untied=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("form", "gzipped", "message"),
    [
        ("trek", False, "no format 'trek'; did you mean 'trec'"),
        ("ranx", True, "--gzip packs TREC files; leave it out with --format ranx"),
    ],
)
def test_what_export_does_not_know_is_refused(
    written: Record, tmp_path: Path, form: str, gzipped: bool, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        _export(tmp_path / "results", form, tmp_path / "out", gzipped=gzipped)


def test_nothing_to_write_is_an_error(tmp_path: Path) -> None:
    write_record(tmp_path / "results", make_record("bm25", family="baseline"), [])
    with pytest.raises(UsageError, match="nothing to write as mteb"):
        _export(tmp_path / "results", "mteb", tmp_path / "out")


def test_mteb_files_have_mtebs_keys_and_the_records_means(written: Record, tmp_path: Path) -> None:
    assert _export(tmp_path / "results", "mteb", tmp_path / "out") == []
    assert _names(tmp_path / "out") == [
        "org__model/1/model_meta.json",
        "org__model/1/scifact.bm25.100.json",
    ]
    found = json.loads((tmp_path / "out/org__model/1/scifact.bm25.100.json").read_text())
    ((split, (scores,)),) = found.pop("scores").items()
    assert split == "test"
    # The fields of mteb 2's TaskResult, in mteb/results/task_result.py.
    assert found == {
        "dataset_revision": "scifact-c",
        "task_name": "scifact.bm25.100",
        "mteb_version": None,
        "evaluation_time": None,
        "kg_co2_emissions": None,
        "date": 1767225600.0,  # 2026-01-01T00:00:00Z
    }
    means = {
        "ndcg_at_10": "nDCG@10",
        "ndcg_at_5": "nDCG@5",
        "map_at_1000": "MAP",
        "map_at_5": "MAP@5",
        "mrr_at_10": "MRR@10",
        "recall_at_10": "Recall@10",
        "recall_at_100": "Recall@100",
        "precision_at_10": "P@10",
        "main_score": "nDCG@10",
    }
    expected = {name: fmean(written.per_query[ours].values()) for name, ours in means.items()}
    assert scores == {
        **expected,
        "hf_subset": "default",
        "languages": ["und-Zyyy"],
        "first_stage": "bm25",
        "top_k": 100,
        "queries": 5,
    }


def test_mteb_meta_has_the_fields_that_mteb_demands(tmp_path: Path) -> None:
    record = make_record("tiny", parameters=4_000_000, family="late-interaction")
    write_record(tmp_path / "results", record, [])
    _export(tmp_path / "results", "mteb", tmp_path / "out")
    meta = json.loads((tmp_path / "out" / "local__tiny" / "1" / "model_meta.json").read_text())
    # The fields of mteb 2's ModelMeta without a default, in mteb/models/model_meta.py.
    demanded = {
        *("loader", "name", "revision", "release_date", "languages", "n_parameters"),
        *("memory_usage_mb", "max_tokens", "embed_dim", "license", "open_weights"),
        *("public_training_code", "public_training_data", "framework"),
        *("similarity_fn_name", "use_instructions", "training_datasets"),
    }
    assert set(meta) == {*demanded, "model_type"}
    known = {name: value for name, value in meta.items() if value is not None}
    assert known == {
        "name": "local/tiny",
        "revision": "1",
        "n_parameters": 4_000_000,
        "framework": [],
        "model_type": ["late-interaction"],
    }


def test_mteb_files_hold_all_splits_and_the_newest_record_of_each(tmp_path: Path) -> None:
    made = make_record("m", {"nDCG@10": 0.25})
    for number, (split, day, value) in enumerate(
        [("test", 2, 0.5), ("test", 1, 0.25), ("dev", 1, 0.75)]
    ):
        collection = replace(made.cell.collection, split=split)
        record = replace(
            made,
            cell=replace(made.cell, collection=collection),
            quality_key=str(number),
            started_at=f"2026-01-0{day}T00:00:00+00:00",
            per_query={"nDCG@10": {"q0": value}},
        )
        write_record(tmp_path / "results", record, [])
    assert _export(tmp_path / "results", "mteb", tmp_path / "out") == [
        "local__m/1/scifact.bm25.100: several records of test, the newest counts"
    ]
    found = json.loads((tmp_path / "out/local__m/1/scifact.bm25.100.json").read_text())
    scores = {split: each[0]["main_score"] for split, each in found["scores"].items()}
    assert scores == {"test": 0.5, "dev": 0.75}
    assert found["date"] == 1767312000.0  # 2026-01-02T00:00:00Z


def test_a_moment_that_is_none_has_no_date(tmp_path: Path) -> None:
    write_record(tmp_path / "results", make_record("m", started_at="yesterday"), [])
    _export(tmp_path / "results", "mteb", tmp_path / "out")
    assert (
        json.loads((tmp_path / "out/local__m/1/scifact.bm25.100.json").read_text())["date"] is None
    )


def test_mteb_tasks_of_unlike_first_stages_are_unlike_files(tmp_path: Path) -> None:
    for k1 in (0.9, 1.2):
        record = make_record("m", first_stage_parameters={"k1": k1})
        write_record(tmp_path / "results", replace(record, quality_key=f"{k1}"), [])
    record = make_record("m", sampled_queries=50)
    write_record(tmp_path / "results", replace(record, quality_key="sampled"), [])
    _export(tmp_path / "results", "mteb", tmp_path / "out")
    names = [path.name for path in (tmp_path / "out" / "local__m" / "1").iterdir()]
    assert sorted(name.count(".") for name in names) == [1, 4, 4, 4]
    assert "scifact.bm25.100.sample50.json" in names


def test_an_average_over_deep_or_unknown_lists_is_not_called_mtebs(tmp_path: Path) -> None:
    metrics = {"nDCG@10": 0.5, "MAP": 0.5, "MRR": 0.5, "nDCG": 0.5}
    deep = make_record("deep", metrics, depth=1001)
    completed = make_record("completed", metrics)
    completed = replace(completed, cell=replace(completed.cell, adds_positives=True))
    for record in (deep, completed, make_record("usual", metrics, depth=1000)):
        write_record(tmp_path / "results", record, [])
    _export(tmp_path / "results", "mteb", tmp_path / "out")
    found = {}
    for path in (tmp_path / "out").rglob("scifact.*"):
        (scores,) = json.loads(path.read_text())["scores"]["test"]
        found[path.parts[-3]] = {name for name in scores if "_at_" in name}
    assert found == {
        "local__deep": {"ndcg_at_10"},
        "local__completed": {"ndcg_at_10"},
        "local__usual": {"ndcg_at_10", "map_at_1000", "mrr_at_1000"},
    }
