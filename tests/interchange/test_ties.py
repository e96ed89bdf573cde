"""Runs with ties: what leaves us under another tool's name is what that tool computes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import ir_measures
import pytest

from rerankbench.files import trec
from rerankbench.interchange.export import export
from rerankbench.interchange.names import ir_measures_name
from rerankbench.registry import naming
from rerankbench.results.record_set import open_archive
from rerankbench.run import quality
from rerankbench.types import Hit, Ranking, Record

from .suites import METRICS, QRELS, Said, record_of, untied, write_record

STEM = "scifact.bm25.100.org_model"
IDS = ("d1", "d2", "d3", "d4", "d5", "d8", "d9", "d12", "d16", "d40")
LEFT_OUT = (
    f"{STEM}: RR@10 left out: scores tie, and ir_measures breaks ties there the other way; on the "
    "run of --format trec --untied it computes ours"
)


def _tied(documents: int = 10) -> list[Ranking]:
    """Every document of a query with the same score, more of them than ranx leaves in order."""
    ids = [*IDS, *(f"d{number}" for number in range(50, 50 + documents - len(IDS)))]
    return [
        Ranking.sort(query, (Hit(doc_id=doc, score=0.5) for doc in ids))
        for query in ("q0", "q1", "q2", "q3")
    ]


def _write(results: Path, rankings: list[Ranking]) -> Record:
    ties = quality.tie_audit(QRELS, rankings, naming.parse_metric(METRICS[0]))
    return write_record(results, replace(record_of(rankings), ties=ties), rankings)


def _export(results: Path, form: str, out: Path, *, untied: bool = False) -> list[str]:
    said = Said()
    export(open_archive([results]), form, out, gzipped=False, untied=untied, progress=said)
    return said.warnings


def _by_ir_measures(out: Path) -> dict[str, float]:
    """Our names → what ir_measures computes from the exported files."""
    qrels = list(ir_measures.read_trec_qrels(str(out / "scifact.test.qrels")))  # type: ignore[no-untyped-call]
    qrels = [each._replace(relevance=max(0, each.relevance)) for each in qrels]
    run = list(ir_measures.read_trec_run(str(out / f"{STEM}.trec")))  # type: ignore[no-untyped-call]
    named = {ir_measures.parse_measure(str(ir_measures_name(name))): name for name in METRICS}
    found = ir_measures.calc_aggregate(list(named), qrels, run)
    return {named[measure]: value for measure, value in found.items()}


def test_ir_measures_computes_every_figure_of_ours_from_an_untied_run(tmp_path: Path) -> None:
    record = _write(tmp_path / "results", _tied())
    assert _export(tmp_path / "results", "trec", tmp_path / "raw") == [
        f"{STEM}: 100.0% of neighbouring scores tie, and other tools order ties differently; "
        "--untied writes scores that keep our order"
    ]
    assert _export(tmp_path / "results", "trec", tmp_path / "out", untied=True) == []
    ours = {name: record.mean(name) for name in METRICS}
    assert _by_ir_measures(tmp_path / "out") == pytest.approx(ours, abs=1e-12)
    raw = _by_ir_measures(tmp_path / "raw")
    assert {name for name in METRICS if raw[name] != pytest.approx(ours[name])} == {"MRR@10"}


# ranx compiles itself, which takes its time, and leaves its files open.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::numba.core.errors.NumbaWarning", "ignore::ResourceWarning")
def test_ranx_computes_every_figure_of_ours_from_an_untied_run(tmp_path: Path) -> None:
    import ranx

    record = _write(tmp_path / "results", _tied(20))
    theirs = {"ndcg@10": "nDCG@10", "map": "MAP", "mrr@10": "MRR@10", "precision@10": "P@10"}
    ours = {name: record.mean(ours) for name, ours in theirs.items()}
    for untied_scores in (False, True):
        out = tmp_path / f"{untied_scores}"
        _export(tmp_path / "results", "ranx", out, untied=untied_scores)
        run = ranx.Run.from_file(str(out / f"{STEM}.json"))
        qrels = ranx.Qrels.from_file(str(out / "scifact.test.qrels.json"))
        # Each call sorts the run once more, in place: ties change their order with every one.
        found = [ranx.evaluate(qrels, run, list(theirs), make_comparable=True) for _ in range(2)]
        same = [each == pytest.approx(ours, abs=1e-12) for each in found]
        assert all(same) if untied_scores else not all(same)


def test_an_untied_run_keeps_our_order_and_holds_no_tie(tmp_path: Path) -> None:
    _write(tmp_path / "results", _tied())
    _export(tmp_path / "results", "trec", tmp_path / "out", untied=True)
    read = trec.read_run(tmp_path / "out" / f"{STEM}.trec")
    order = [[hit.doc_id for hit in each.hits] for each in read]
    assert order == [[hit.doc_id for hit in each.hits] for each in _tied()]
    assert [hit.score for hit in read[0].hits] == [float(score) for score in range(10, 0, -1)]
    _export(tmp_path / "results", "ranx", tmp_path / "json", untied=True)
    scores = json.loads((tmp_path / "json" / f"{STEM}.json").read_text())
    assert scores == quality.as_run(read)


def test_a_value_that_ir_measures_would_not_print_stands_under_no_name_of_its(
    tmp_path: Path,
) -> None:
    _write(tmp_path / "results", _tied())
    assert _export(tmp_path / "results", "ir-measures", tmp_path / "out") == [LEFT_OUT]
    lines = (tmp_path / "out" / f"{STEM}.ir_measures.tsv").read_text().splitlines()
    names = {line.split("\t")[1] for line in lines}
    assert names == {str(ir_measures_name(name)) for name in METRICS} - {"RR@10"}


def test_ties_that_change_no_reciprocal_rank_leave_its_name(tmp_path: Path) -> None:
    """Two documents without judgments tie far down: every tool gets the same RR@10."""
    rankings = [
        Ranking.sort(each.query_id, (*each.hits, Hit("x", -1.0), Hit("y", -1.0)))
        for each in untied()
    ]
    record = _write(tmp_path / "results", rankings)
    assert record.ties is not None
    assert _export(tmp_path / "results", "ir-measures", tmp_path / "out") == []
    text = (tmp_path / "out" / f"{STEM}.ir_measures.tsv").read_text()
    assert f"all\tRR@10\t{record.mean('MRR@10')}\n" in text


def test_without_its_run_a_record_with_ties_has_no_reciprocal_rank_of_ir_measures(
    tmp_path: Path,
) -> None:
    _write(tmp_path / "results", _tied())
    for path in (tmp_path / "results").rglob("*.trec.gz"):
        path.unlink()
    assert _export(tmp_path / "results", "ir-measures", tmp_path / "out") == [LEFT_OUT]
