"""`rerankbench run`: records and a table out, nothing done twice, failures told and survived."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval
import torch

from rerankbench.firststage.bm25 import Bm25
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.sequence_classification import CrossEncoderFactory
from rerankbench.results.record_set import open_archive
from rerankbench.run import candidates, scoring

from .. import tiny
from .conftest import Command


@pytest.fixture(autouse=True)
def inside_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _options(collection: Path, model: Path | str, *more: object) -> Sequence[object]:
    return ("run", "-d", collection, "-m", model, "--no-speed", "--device", "cpu", *more)


def _refuse(*_: object, **__: object) -> Any:
    raise AssertionError("work that was done before")


def _forbid_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CrossEncoderFactory, "build", _refuse)
    monkeypatch.setattr(candidates, "retrieve", _refuse)
    monkeypatch.setattr(Bm25, "retrieve", _refuse)


def _broken_model(folder: Path, like: Path) -> Path:
    """A model that loads and then gives scores that are no numbers."""
    tokenizer, model = tiny.reference(like)
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _qrels(collection: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in (collection / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(query, {})[document] = int(grade)
    return found


def test_every_cell_leaves_a_record_and_a_row(
    command: Command, collection: Path, model: Path
) -> None:
    done = command(*_options(collection, model, "-m", "random", "-m", "oracle"))
    assert done.code == 0, done.err
    found = tiny.records(Path("results"))
    assert sorted(found) == ["bm25", "oracle", "random", "tiny-bert"]
    for name, record in found.items():
        assert name in done.out
        mean = sum(record["per_query"]["nDCG@10"].values()) / 6
        assert f"{name}: nDCG@10 {mean:.4f}" in done.err
        assert record["cell"]["collection"]["name"] == "small"
        assert record["queries_without_results"] == 0
    best = sum(found["oracle"]["per_query"]["nDCG@10"].values())
    assert all(sum(each["per_query"]["nDCG@10"].values()) <= best for each in found.values())


def test_recorded_metrics_are_those_of_pytrec_eval(
    command: Command, collection: Path, model: Path
) -> None:
    assert command(*_options(collection, model)).code == 0
    record = tiny.records(Path("results"))["tiny-bert"]
    (run_path,) = Path("results").rglob(f"runs/{record['quality_key']}.trec.gz")
    run: dict[str, dict[str, float]] = {}
    for query, document, score in tiny.run_lines(run_path):
        run.setdefault(query, {})[document] = score
    qrels = _qrels(collection)
    assert len(run) == len(qrels)
    expected = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10", "map"}).evaluate(run)
    for name, key in (("nDCG@10", "ndcg_cut_10"), ("MAP", "map")):
        assert record["per_query"][name] == pytest.approx(
            {query: values[key] for query, values in expected.items()}
        )


def test_scores_in_the_run_are_those_of_plain_transformers(
    command: Command, collection: Path, model: Path
) -> None:
    assert command(*_options(collection, model, "-k", 5, "--dtype", "float32")).code == 0
    record = tiny.records(Path("results"))["tiny-bert"]
    (run_path,) = Path("results").rglob(f"runs/{record['quality_key']}.trec.gz")
    documents, queries = (
        {
            each["_id"]: each
            for each in map(json.loads, (collection / name).read_text().splitlines())
        }
        for name in ("corpus.jsonl", "queries.jsonl")
    )
    tokenizer, plain = tiny.reference(model)
    found = tiny.run_scores(run_path)
    assert len(found) == 6 * 5
    for (query, document), score in found.items():
        content = f"{documents[document]['title']} {documents[document]['text']}".strip()
        expected = tiny.reference_score(tokenizer, plain, queries[query]["text"], content)
        assert score == pytest.approx(expected, abs=1e-4)


def test_a_second_run_reads_records_and_does_nothing(
    command: Command,
    collection: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = command(*_options(collection, model))
    before = {path: path.read_bytes() for path in Path("results").rglob("*.*")}
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "another-cache"))
    _forbid_work(monkeypatch)
    second = command(*_options(collection, model))
    assert second.code == 0, second.err
    assert second.out == first.out
    assert "all 2 cells are finished" in second.err
    assert before == {path: path.read_bytes() for path in Path("results").rglob("*.*")}


def test_an_added_metric_is_computed_from_the_run_file(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*_options(collection, model)).code == 0
    assert "Recall@3" not in tiny.records(Path("results"))["tiny-bert"]["per_query"]
    _forbid_work(monkeypatch)
    done = command(*_options(collection, model, "--metric", "nDCG@10", "--metric", "Recall@3"))
    assert done.code == 0, done.err
    record = tiny.records(Path("results"))["tiny-bert"]
    (run_path,) = Path("results").rglob(f"runs/{record['quality_key']}.trec.gz")
    ranked: dict[str, list[str]] = {}
    for query, document, _ in tiny.run_lines(run_path):
        ranked.setdefault(query, []).append(document)
    for query, grades in _qrels(collection).items():
        share = len(set(ranked[query][:3]) & set(grades)) / len(grades)
        assert record["per_query"]["Recall@3"][query] == pytest.approx(share)


def test_a_metric_is_not_added_from_a_run_that_is_not_its_own(
    command: Command, collection: Path, model: Path
) -> None:
    assert command(*_options(collection, model)).code == 0
    record = tiny.records(Path("results"))["tiny-bert"]
    (run_path,) = Path("results").rglob(f"runs/{record['quality_key']}.trec.gz")
    run_path.write_text("q0 Q0 d1 1 3.0 someone\n")
    assert command(*_options(collection, model, "--metric", "Recall@3")).code == 0
    again = tiny.records(Path("results"))["tiny-bert"]
    assert again["per_query"]["nDCG@10"] == record["per_query"]["nDCG@10"]
    assert len(again["per_query"]["Recall@3"]) == 6
    assert sum(again["per_query"]["Recall@3"].values()) > 0


def test_a_failing_cell_leaves_its_error_and_the_others_go_on(
    command: Command, collection: Path, model: Path, tmp_path: Path, own_cache: Path
) -> None:
    broken = _broken_model(tmp_path / "broken", model)
    done = command(*_options(collection, broken, "-m", model, "--dtype", "float32"))
    assert done.code == 1
    assert sorted(tiny.records(Path("results"))) == ["bm25", "tiny-bert"]
    assert "broken: a score is not finite in float32" in done.err
    assert "1 failed; all others are recorded" in done.err
    assert "Traceback" not in done.err
    assert "tiny-bert" in done.out
    (error,) = own_cache.rglob("work/*/error.txt")
    assert "Traceback" in error.read_text()
    assert "not finite" in error.read_text()


def test_a_failure_nobody_foresaw_is_one_line_and_names_its_traceback(
    command: Command,
    collection: Path,
    model: Path,
    own_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> Any:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(CrossEncoderFactory, "build", fail)
    done = command(*_options(collection, model))
    assert done.code == 1
    (error,) = own_cache.rglob("work/*/error.txt")
    assert f"tiny-bert: ZeroDivisionError: of all things; see {error}" in done.err
    assert "in fail" in error.read_text()
    assert sorted(tiny.records(Path("results"))) == ["bm25"]


def test_a_mended_cell_is_all_that_runs_again(
    command: Command, collection: Path, model: Path, tmp_path: Path
) -> None:
    broken = _broken_model(tmp_path / "mended", model)
    assert command(*_options(collection, broken, "-m", model)).code == 1
    (path,) = (p for p, name in _record_names() if name == "tiny-bert")
    before = path.stat().st_mtime_ns
    shutil.copy(model / "model.safetensors", broken)
    assert command(*_options(collection, broken, "-m", model)).code == 0
    assert path.stat().st_mtime_ns == before
    found = tiny.records(Path("results"))
    assert found["mended"]["per_query"] == found["tiny-bert"]["per_query"]


def _record_names() -> list[tuple[Path, str]]:
    paths = sorted(Path("results").rglob("records/*.json"))
    return [(p, json.loads(p.read_bytes())["cell"]["reranker"]["name"]) for p in paths]


def test_fresh_ignores_finished_cells(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*_options(collection, model)).code == 0
    before = {path: path.read_bytes() for path in Path("results").rglob("runs/*")}
    for path in before:
        path.write_bytes(b"stale")
    loads: list[str] = []
    build = CrossEncoderFactory.build

    def count(factory: CrossEncoderFactory, *arguments: Any) -> PointwiseReranker:
        loads.append(arguments[0].spec.model)
        return build(factory, *arguments)

    monkeypatch.setattr(CrossEncoderFactory, "build", count)
    assert command(*_options(collection, model, "--fresh")).code == 0
    assert loads == [str(model)]
    assert {path: path.read_bytes() for path in Path("results").rglob("runs/*")} == before


def test_limited_queries_are_a_seeded_sample_and_marked(
    command: Command, collection: Path, tmp_path: Path
) -> None:
    samples = []
    for name in ("one", "two"):
        options = _options(collection, "random", "--limit-queries", 3, "-o", tmp_path / name)
        assert command(*options).code == 0
        record = tiny.records(tmp_path / name)["random"]
        samples.append(sorted(record["per_query"]["nDCG@10"]))
        assert record["cell"]["collection"]["sampled_queries"] == 3
        assert record["cell"]["collection"]["sample_seed"] is not None
    assert samples[0] == samples[1]
    assert len(samples[0]) == 3
    everything = command(*_options(collection, "random", "-o", tmp_path / "all"))
    assert everything.code == 0
    whole = tiny.records(tmp_path / "all")["random"]
    assert len(whole["per_query"]["nDCG@10"]) == 6
    assert whole["cell"]["collection"]["sampled_queries"] is None
    part = tiny.records(tmp_path / "one")["random"]["per_query"]["nDCG@10"]
    assert part.items() <= whole["per_query"]["nDCG@10"].items()


def test_a_run_file_is_a_first_stage_and_dataset_stands_for_the_name(
    command: Command, collection: Path, tmp_path: Path
) -> None:
    other = tiny.write_collection(tmp_path / "other", seed=9)
    wanted = {}
    for name in ("small", "other"):
        numbers = random.Random(name)
        pairs = [(f"q{i}", f"d{j}") for i in range(6) for j in numbers.sample(range(40), 4)]
        wanted[name] = {pair: numbers.random() for pair in pairs}
        lines = [f"{q} Q0 {d} 1 {score!r} t" for (q, d), score in wanted[name].items()]
        (tmp_path / f"bm.{name}.trec").write_text("\n".join(lines) + "\n")
    stage = ("--first-stage", f"run:{tmp_path}/bm.{{dataset}}.trec")
    for folder, name in ((collection, "small"), (other, "other")):
        done = command(*_options(folder, "bm25", *stage, "-o", tmp_path / "out" / name))
        assert done.code == 0, done.err
        (path,) = (tmp_path / "out" / name).rglob("runs/*.trec.gz")
        assert tiny.run_scores(path) == wanted[name]
        assert list(tiny.records(tmp_path / "out" / name)) == ["first stage"]


def test_depth_cuts_the_candidates(command: Command, collection: Path, model: Path) -> None:
    assert command(*_options(collection, model, "-k", 4)).code == 0
    for record in tiny.records(Path("results")).values():
        assert record["scored_pairs"] == 6 * 4
        assert record["cell"]["depth"] == 4


def test_the_demo_gives_the_same_numbers_every_time(
    command: Command, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for name in ("one", "two"):
        monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / f"cache-{name}"))
        done = command(
            *_options(Path("demo"), model, "-m", "random", "-k", 20, "--limit-queries", 8),
            *("-o", tmp_path / name),
        )
        assert done.code == 0, done.err
        runs = {path.name: path.read_bytes() for path in (tmp_path / name).rglob("runs/*")}
        per_query = {n: r["per_query"] for n, r in tiny.records(tmp_path / name).items()}
        found.append((runs, per_query, done.out))
    assert len(found[0][0]) == 3
    assert found[0] == found[1]


def test_speed_is_measured_unless_it_is_not_wanted(
    command: Command, collection: Path, model: Path
) -> None:
    options = ("run", "-d", collection, "-m", model, "--device", "cpu", "--speed-budget", 0.5)
    done = command(*options)
    assert done.code == 0, done.err
    found = tiny.records(Path("results"))
    speed = found["tiny-bert"]["measurements"]
    assert len(speed["throughput"]["passes_s"]) >= 3
    assert speed["latency"]["requests_s"]
    assert found["bm25"]["measurements"]["throughput"] is None


def test_two_models_of_one_name_are_refused(
    command: Command, collection: Path, model: Path, tmp_path: Path
) -> None:
    twin = tiny.build(tmp_path / "elsewhere" / "tiny-bert", seed=1)
    done = command(*_options(collection, model, "-m", twin))
    assert done.code == 2
    assert "two models are called 'tiny-bert'; give one another name in a config" in done.err
    assert not Path("results").exists()


def test_a_config_gives_twins_two_names(
    command: Command, collection: Path, model: Path, tmp_path: Path
) -> None:
    twin = tiny.build(tmp_path / "elsewhere" / "tiny-bert", seed=1)
    config = {
        "datasets": [str(collection)],
        "models": [str(model), {"model": str(twin), "name": "twin"}],
        "speed": {"enabled": False},
        "device": "cpu",
    }
    (tmp_path / "my suite.yaml").write_text(json.dumps(config))
    done = command("run", tmp_path / "my suite.yaml")
    assert done.code == 0, done.err
    found = tiny.records(Path("results") / "my-suite")
    assert sorted(found) == ["bm25", "tiny-bert", "twin"]
    assert found["twin"]["run_sha256"] != found["tiny-bert"]["run_sha256"]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--metric", "nDGC@10"), "did you mean 'nDCG'?"),
        (("--first-stage", "bm52"), "did you mean 'bm25'?"),
        (("--first-stage-arg", "k3=1"), "unknown key 'k3'; known: analyzer, b, fields, k1"),
        (("--engine", "tensor-rt"), "known: auto, native, torch"),
        (("--device", "gpu"), "must be auto, cpu, cuda or cuda:N"),
        (("--dtype", "float64"), "must be one of auto, float32, bfloat16, float16"),
        (("--suite", "../up"), "must be letters, digits"),
        (("--first-stage-arg", "k1"), "expected KEY=VALUE"),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(
    command: Command, collection: Path, model: Path, options: Sequence[str], hint: str
) -> None:
    done = command(*_options(collection, model, *options))
    assert done.code == 2
    assert hint in done.err
    assert "Traceback" not in done.err
    assert not Path("results").exists()


def test_every_mistake_is_told_at_once(command: Command, model: Path) -> None:
    done = command(
        *_options(Path("/nowhere-a"), "/nowhere-b", "--metric", "x@1", "--first-stage", "bm52")
    )
    assert done.code == 2
    for part in ("/nowhere-a", "/nowhere-b", "x@1"):
        assert part in done.err


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(CrossEncoderFactory, "build", interrupt)
    done = command(*_options(collection, model))
    assert done.code == 130
    assert "repeat the same command to continue" in done.err
    assert "Traceback" not in done.err


def test_quiet_says_nothing_but_the_table(command: Command, collection: Path, model: Path) -> None:
    done = command(*_options(collection, model, "-q"))
    assert done.code == 0
    assert done.err == ""
    assert "tiny-bert" in done.out


def test_a_record_tells_how_its_model_was_padded(
    command: Command, collection: Path, tmp_path: Path
) -> None:
    known, other = (tiny.build(tmp_path / kind, kind) for kind in ("bert", "deberta-v2"))
    options = ["-d", str(collection), "-m", str(known), "-m", str(other), "--no-speed"]
    done = command("run", *options, "--dtype", "float32")
    assert done.code == 0, done.err
    records = tiny.records(Path("results"))
    assert records["bert"]["checks"] == {}
    assert records["deberta-v2"]["checks"]["padding"].startswith("on the right: scores and ")


def test_speed_is_added_to_a_record_made_without_it_and_nothing_is_scored_again(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = command(*_options(collection, model))
    assert first.code == 0, first.err
    before = tiny.records(Path("results"))["tiny-bert"]
    assert before["measurements"]["throughput"] is None

    def refuse(*_: object, **__: object) -> Any:
        raise AssertionError("scored again")

    monkeypatch.setattr(scoring, "score", refuse)
    asked = [each for each in _options(collection, model) if each != "--no-speed"]
    done = command(*asked, "--speed-budget", "0.2")
    assert done.code == 0, done.err
    after = tiny.records(Path("results"))["tiny-bert"]
    assert len(after["measurements"]["throughput"]["passes_s"]) == 3
    assert after["per_query"] == before["per_query"]
    assert len(list(Path("results").rglob("records/*.json"))) == 2
    _forbid_work(monkeypatch)
    assert command(*asked, "--speed-budget", "0.2").code == 0


def test_under_other_packages_a_record_without_speed_is_made_anew(
    command: Command, collection: Path, model: Path
) -> None:
    assert command(*_options(collection, model)).code == 0
    (path,) = (
        each
        for each in Path("results").rglob("records/*.json")
        if json.loads(each.read_text())["cell"]["reranker"]["name"] == "tiny-bert"
    )
    record = json.loads(path.read_text())
    record["environment"]["packages"]["transformers"] = "0.0"
    record["per_query"]["nDCG@10"] = dict.fromkeys(record["per_query"]["nDCG@10"], 0.0)
    path.write_text(json.dumps(record))
    asked = [each for each in _options(collection, model) if each != "--no-speed"]
    assert command(*asked, "--speed-budget", "0.2").code == 0
    assert max(json.loads(path.read_text())["per_query"]["nDCG@10"].values()) > 0


@pytest.mark.parametrize(
    ("fusion", "label"), [("rrf", "RRF"), ("{method: linear, weight: 0.7}", "0.7 linear")]
)
def test_a_fused_row_joins_its_reranker_with_the_first_stage(
    command: Command, collection: Path, model: Path, fusion: str, label: str
) -> None:
    Path("fused.yaml").write_text(
        f"datasets: [{collection}]\n"
        f"models: [{model}, {{model: {model}, fusion: {fusion}}}]\n"
        "device: cpu\nspeed: {enabled: false}\n"
    )
    done = command("run", "fused.yaml")
    assert done.code == 0, done.err
    found = tiny.records(Path("results"))
    runs = {}
    for name in ("bm25", "tiny-bert", f"tiny-bert + {label}"):
        (path,) = Path("results").rglob(f"runs/{found[name]['quality_key']}.trec.gz")
        by_query: dict[str, dict[str, float]] = {}
        for query, document, score in tiny.run_lines(path):
            by_query.setdefault(query, {})[document] = score
        runs[name] = by_query
    first, own, fused = runs.values()
    for query, scores in fused.items():
        for document, score in scores.items():
            parts = [
                _rank_part(each[query], document)
                if fusion == "rrf"
                else _scaled(each[query], document)
                for each in (first, own)
            ]
            weights = (1.0, 1.0) if fusion == "rrf" else (0.3, 0.7)
            expected = sum(w * part for w, part in zip(weights, parts, strict=True))
            assert score == pytest.approx(expected, rel=1e-6 if fusion == "rrf" else 1e-5)
    assert found[f"tiny-bert + {label}"]["cell"]["reranker"]["recipe"]["fusion"]


def _rank_part(scores: dict[str, float], document: str) -> float:
    rank = 1 + sum(score > scores[document] for score in scores.values())
    return 1 / (60 + rank)


def _scaled(scores: dict[str, float], document: str) -> float:
    low, high = min(scores.values()), max(scores.values())
    return (scores[document] - low) / (high - low)


def test_a_task_is_kept_beside_the_records_and_made_up_for(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*_options(collection, model, "-k", 5)).code == 0
    (path,) = Path("results").rglob("tasks/*.json.gz")
    archive = open_archive([Path("results")])
    first_stage = next(one for one in archive.records if one.cell.reranker.name == "bm25")
    task, rankings = archive.task(first_stage), archive.rankings(first_stage)
    assert task is not None
    assert rankings is not None
    assert task.qrels() == _qrels(collection)
    assert {topic.query_id: topic.candidates for topic in task.topics} == {
        each.query_id: tuple(hit.doc_id for hit in each.hits) for each in rankings
    }
    body = path.read_bytes()
    path.unlink()
    monkeypatch.setattr(CrossEncoderFactory, "build", _refuse)
    done = command(*_options(collection, model, "-k", 5))
    assert (done.code, path.read_bytes()) == (0, body)
    _forbid_work(monkeypatch)
    assert command(*_options(collection, model, "-k", 5)).code == 0


def test_texts_of_queries_stay_out_of_the_results_where_the_config_says_so(
    command: Command, collection: Path, tmp_path: Path
) -> None:
    config = tmp_path / "c.yaml"
    config.write_text(f"datasets: [{collection}]\nmodels: [bm25]\nkeep_texts: false\n")
    assert command("run", config).code == 0
    archive = open_archive([Path("results")])
    task = archive.task(archive.records[0])
    assert task is not None
    assert {topic.text for topic in task.topics} == {None}


def test_positives_that_were_missed_can_be_added_and_are_told_apart(
    command: Command, collection: Path, model: Path
) -> None:
    options = _options(collection, model, "-m", "oracle", "-k", 2, "-o", "out")
    assert command(*options).code == 0
    plain = tiny.records(Path("out"))
    done = command(*options, "--always-include-positives", "-o", "added")
    assert done.code == 0
    added = tiny.records(Path("added"))
    missed = 0
    for query, grades in _qrels(collection).items():
        (path,) = Path("out").rglob(f"runs/{plain['bm25']['quality_key']}.trec.gz")
        found = {document for asked, document in tiny.run_scores(path) if asked == query}
        missed += len(grades.keys() - found)
    assert missed > 0
    assert added["oracle"]["scored_pairs"] == plain["oracle"]["scored_pairs"] + missed
    assert set(added["oracle"]["per_query"]["nDCG@10"].values()) == {1.0}
    assert sum(plain["oracle"]["per_query"]["nDCG@10"].values()) < 6
    for name, record in added.items():
        assert record["cell"]["adds_positives"] is True
        assert record["quality_key"] != plain[name]["quality_key"]
        told = f"{missed} relevant documents that the first stage missed were added: unrealistic"
        assert told in record["warnings"]
    assert command(*options, "--always-include-positives").code == 0
    assert len(list(Path("out").rglob("records/*.json"))) == 6
    assert len(list(Path("out").rglob("tasks/*.json.gz"))) == 2


def test_another_length_is_a_row_of_its_own(
    command: Command, collection: Path, model: Path
) -> None:
    assert command(*_options(collection, model)).code == 0
    assert command(*_options(collection, model, "--max-length", 16)).code == 0
    table = command("leaderboard", "results").out
    usual = model.name
    rows = [line for line in table.splitlines() if line.startswith(f"| {usual}")]
    assert len(rows) == 2
    assert any(f"{usual} · 16 tokens" in row for row in rows)


def test_a_row_has_the_name_that_was_given_also_when_it_is_finished(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*_options(collection, model)).code == 0
    _forbid_work(monkeypatch)
    assert "| mine " in command(*_options(collection, model, "--name", "mine")).out
    names = {record.cell.reranker.name for record in open_archive([Path("results")]).records}
    assert names == {"bm25", "mine"}
    refused = command(*_options(collection, model, "--name", "a", "--name", "b"))
    assert refused.code == 2
    assert "--name was given 2 times for 1 models; name each -m once" in refused.err


def test_every_metric_that_was_asked_for_is_shown_of_finished_cells_too(
    command: Command, collection: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command(*_options(collection, model)).code == 0
    _forbid_work(monkeypatch)
    out = command(*_options(collection, model, "--metric", "MAP", "--metric", "Recall@100")).out
    heads = next(line for line in out.splitlines() if line.startswith("| Reranker"))
    assert [head.strip() for head in heads.strip("|").split("|")] == [
        "Reranker",
        "MAP",
        "Δ",
        "Recall@100",
        "Params",
    ]
