"""`retrieve`, `rerank`, `evaluate`: one step each, and together what `run` does."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from statistics import fmean

import pytest
import pytrec_eval

from .. import tiny
from .conftest import Command

MEASURES = {
    "nDCG@10": "ndcg_cut_10",
    "nDCG@3": "ndcg_cut_3",
    "MAP": "map",
    "Recall@5": "recall_5",
    "P@5": "P_5",
    "MRR": "recip_rank",
}


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in path.read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        found.setdefault(query, {})[document] = int(grade)
    return found


def _expected(qrels: dict[str, dict[str, int]], run: Path) -> dict[str, dict[str, float]]:
    """Measure → query → value by pytrec_eval itself; unanswered queries score 0."""
    rankings: dict[str, dict[str, float]] = {}
    for query, document, score in tiny.run_lines(run):
        rankings.setdefault(query, {})[document] = score
    wanted = {"ndcg_cut.3,10", "map", "recall.5", "P.5", "recip_rank"}
    found = pytrec_eval.RelevanceEvaluator(qrels, wanted).evaluate(rankings)
    return {
        name: {query: found.get(query, {}).get(key, 0.0) for query in qrels}
        for name, key in MEASURES.items()
    }


@pytest.fixture
def random_run(collection: Path, tmp_path: Path) -> Path:
    """A run with ties that leaves one judged query out and answers one that nobody judged."""
    numbers = random.Random(1)
    lines = [
        f"{query} Q0 d{document} {rank} {numbers.choice([0.5, 1, 2, 3.25])} somebody"
        for query in ("q4", "q0", "q1", "q2", "q3", "unjudged")
        for rank, document in enumerate(numbers.sample(range(40), 25), start=1)
    ]
    path = tmp_path / "random.trec"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_retrieving_reranking_and_evaluating_fit_together(
    command: Command, collection: Path, model: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.trec", tmp_path / "second.trec"
    assert command("retrieve", "-d", collection, "-k", 12, "-o", first).code == 0
    rerank = ("rerank", "-d", collection, "--run", first, "-m", model, "-o", second)
    done = command(*rerank, "--device", "cpu")
    assert done.code == 0, done.err
    before, after = tiny.run_scores(first), tiny.run_scores(second)
    assert len(before) > 12
    assert set(after) == set(before), "reranking added or lost candidates"
    assert after != before
    qrels_path = collection / "qrels" / "test.tsv"
    for path in (first, second):
        done = command("evaluate", qrels_path, path, "--format", "json")
        expected = fmean(_expected(_qrels(qrels_path), path)["nDCG@10"].values())
        assert json.loads(done.out) == {"nDCG@10": pytest.approx(expected), "queries": 6}


def test_a_written_run_is_sorted_as_trec_eval_sorts(
    command: Command, collection: Path, model: Path, random_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.trec"
    command("rerank", "-d", collection, "--run", random_run, "-m", "bm25", "-o", out)
    by_query: dict[str, list[tuple[float, str]]] = {}
    for query, document, score in tiny.run_lines(out):
        by_query.setdefault(query, []).append((score, document))
    for hits in by_query.values():
        assert hits == sorted(hits, reverse=True)
    ranks = [int(line.split()[3]) for line in out.read_text().splitlines()]
    assert ranks == [i for hits in by_query.values() for i in range(1, len(hits) + 1)]


def test_rerank_gives_the_very_scores_of_run(
    command: Command, collection: Path, model: Path, random_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.trec"
    common = ("-d", collection, "-m", model, "--device", "cpu")
    assert command("rerank", *common, "--run", random_run, "-o", out).code == 0
    stage = ("--first-stage", f"run:{random_run}", "-o", tmp_path / "results")
    assert command("run", *common, *stage, "--no-speed").code == 0
    record = tiny.records(tmp_path / "results")["tiny-bert"]
    (run_path,) = (tmp_path / "results").rglob(f"runs/{record['quality_key']}.trec.gz")
    assert tiny.run_scores(out) == tiny.run_scores(run_path)
    assert len(tiny.run_scores(out)) == 5 * 25


def test_rerank_cuts_at_the_depth(
    command: Command, collection: Path, random_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.trec"
    options = ("-d", collection, "--run", random_run, "-m", "random", "-k", 7)
    assert command("rerank", *options, "-o", out).code == 0
    kept: dict[str, list[tuple[float, str]]] = {}
    for query, document, score in tiny.run_lines(random_run):
        kept.setdefault(query, []).append((score, document))
    del kept["unjudged"]
    expected = {(q, d) for q, hits in kept.items() for _, d in sorted(hits, reverse=True)[:7]}
    assert set(tiny.run_scores(out)) == expected


def test_nothing_is_compiled_for_a_run_of_a_few_pairs(
    command: Command, collection: Path, random_run: Path, tmp_path: Path
) -> None:
    model = tiny.build(tmp_path / "tiny-modernbert", "modernbert")
    options = ("-d", collection, "--run", random_run, "-m", model, "--device", "cpu")
    done = command("rerank", *options, "-o", tmp_path / "out.trec")
    assert done.code == 0
    assert "tiny-modernbert: engine torch, " in " ".join(done.err.split())


def test_a_gz_name_writes_gzip(command: Command, collection: Path, tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.trec", tmp_path / "a.trec.gz"
    for path in (plain, packed):
        assert command("retrieve", "-d", collection, "-k", 5, "-o", path).code == 0
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_rerank_leaves_no_work_behind(
    command: Command, collection: Path, model: Path, random_run: Path, own_cache: Path
) -> None:
    out = own_cache.parent / "out.trec"
    options = ("-d", collection, "--run", random_run, "-m", model, "--device", "cpu")
    assert command("rerank", *options, "-o", out).code == 0
    assert list(own_cache.rglob("work/*")) == []


def test_text_is_trec_evals(command: Command, collection: Path, random_run: Path) -> None:
    qrels_path = collection / "qrels" / "test.tsv"
    options = [part for name in MEASURES for part in ("--metric", name)]
    done = command("evaluate", qrels_path, random_run, *options)
    assert done.code == 0
    expected = _expected(_qrels(qrels_path), random_run)
    lines = [line.split("\t") for line in done.out.splitlines()]
    assert [(name.rstrip(), query) for name, query, _ in lines] == [(n, "all") for n in MEASURES]
    for name, _, value in lines:
        assert len(name) == 22
        assert value == f"{fmean(expected[name.rstrip()].values()):.4f}"
    assert "1 of 6 judged queries have no results, score 0" in done.err


def test_per_query_values_come_before_the_means(
    command: Command, collection: Path, random_run: Path
) -> None:
    qrels_path = collection / "qrels" / "test.tsv"
    options = ("--metric", "MAP", "--metric", "P@5", "--per-query")
    done = command("evaluate", qrels_path, random_run, *options)
    expected = _expected(_qrels(qrels_path), random_run)
    rows = [line.split("\t") for line in done.out.splitlines()]
    found = {(name.rstrip(), query): value for name, query, value in rows}
    for name in ("MAP", "P@5"):
        for query, value in expected[name].items():
            assert found[name, query] == f"{value:.4f}"
    assert [query for _, query, _ in rows[-2:]] == ["all", "all"]
    assert len(rows) == 2 * 7


def test_json_holds_full_precision_means_and_values(
    command: Command, collection: Path, random_run: Path
) -> None:
    qrels_path = collection / "qrels" / "test.tsv"
    options = [part for name in MEASURES for part in ("--metric", name)]
    done = command("evaluate", qrels_path, random_run, *options, "--format", "json", "--per-query")
    found, expected = json.loads(done.out), _expected(_qrels(qrels_path), random_run)
    assert found.pop("queries") == 6
    assert found.pop("per_query") == {n: pytest.approx(v) for n, v in expected.items()}
    assert found == {n: pytest.approx(fmean(v.values())) for n, v in expected.items()}


def test_qrels_may_have_trec_evals_form(
    command: Command, collection: Path, random_run: Path, tmp_path: Path
) -> None:
    beir = collection / "qrels" / "test.tsv"
    lines = [
        f"{query} 0 {document} {grade}"
        for query, grades in _qrels(beir).items()
        for document, grade in grades.items()
    ]
    (tmp_path / "qrels.txt").write_text("\n".join(lines) + "\n")
    one = command("evaluate", beir, random_run, "--format", "json")
    two = command("evaluate", tmp_path / "qrels.txt", random_run, "--format", "json")
    assert one.out == two.out


def test_names_of_trec_eval_are_understood(
    command: Command, collection: Path, random_run: Path
) -> None:
    qrels_path = collection / "qrels" / "test.tsv"
    ours = command("evaluate", qrels_path, random_run, "--metric", "nDCG@3")
    theirs = command("evaluate", qrels_path, random_run, "--metric", "ndcg_cut_3")
    assert ours.out.split("\t")[1:] == theirs.out.split("\t")[1:]
    assert theirs.out.startswith("ndcg_cut_3 ")


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (("--metric", "nDGC@10"), "no metric 'nDGC@10'; did you mean 'nDCG'?"),
        (("--metric", "P"), "metric 'P' needs a cutoff; write for example P@10"),
        (("--metric", "nDCG@0"), "the cutoff must be at least 1"),
        (("--metric", "10"), "is not of the form nDCG@10"),
        (("--format", "xml"), "no format 'xml'; known: text, json"),
    ],
)
def test_what_evaluate_does_not_know_is_refused(
    command: Command, collection: Path, random_run: Path, options: tuple[str, str], hint: str
) -> None:
    done = command("evaluate", collection / "qrels" / "test.tsv", random_run, *options)
    assert (done.code, done.out) == (2, "")
    assert hint in done.err
