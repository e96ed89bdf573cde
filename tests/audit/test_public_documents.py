"""What the audit finds in the public tables that are known here, as docs/audit.md says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.audit.findings import Finding
from rerankbench.audit.review import review
from rerankbench.known.published import published
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.publish import publish
from rerankbench.results.record_set import RecordSet
from tests.leaderboard.records import make_record

ROOT = Path(__file__).resolve().parents[2]


def _celis_table_5(folder: Path) -> Path:
    """Its figures from the package, with tabs, as the paper groups them."""
    figures = [
        one
        for one in published()
        if one.table == "Table 5" and one.source.title.startswith("CELI")
    ]
    models = list(dict.fromkeys(one.model for one in figures))
    names = ["Avg" if one.average_of else str(one.collection) for one in figures[1:15]]
    lines = [
        ["Backbone", "Model", "MS", "BEIR (nDCG@10)", *[""] * 13],
        ["", "", "MARCO (MRR@10)", *names],
    ]
    for model in models:
        head, _, backbone = model.removesuffix(")").partition(" (")
        shown = [f"{one.value:.{one.decimals}f}" for one in figures if one.model == model]
        lines.append([backbone if head == "monoBERT" else "", head, *shown])
    path = folder / "celi.txt"
    path.write_text("\n".join("\t".join(cells) for cells in lines), encoding="utf-8")
    return path


def _keys(findings: tuple[Finding, ...], check: str) -> list[tuple[str, str, str]]:
    return [(one.row, one.printed, one.expected) for one in findings if one.check == check]


def test_celis_wrong_average_and_the_column_that_carries_its_gains(tmp_path: Path) -> None:
    found = review([_celis_table_5(tmp_path)]).findings
    assert _keys(found, "average") == [("ELECTRA-base / monoBERT", "0.481", "0.474")]
    (carried,) = [one for one in found if one.check == "carried-mean"]
    assert carried.column == "BEIR (nDCG@10) arguana" and "in 6 of 6 pairs" in carried.message
    assert len(found) == 2


def _seed(shared: Path, number: str) -> Path:
    found = sorted((shared / "seeds").glob(f"{number}_*.txt"))
    if not found:
        pytest.skip("the document is not here")
    return found[0]


def test_the_paper(shared: Path) -> None:
    audit = review([_seed(shared, "003")])
    assert audit.tables == 7
    assert _keys(audit.findings, "average") == [("ELECTRA base / monoBERT", "0.481", "0.474")]
    assert _keys(audit.findings, "disagreement") == [
        ("MiniLM / Mean-Pooling", "0.391", "0.390"),
        ("ELECTRA base / Mean-Pooling", "0.403", "0.402"),
    ]
    carried = [one for one in audit.findings if one.check == "carried-mean"]
    assert [(one.table, one.column, one.severity) for one in carried] == [
        ("Table 5", "BEIR (nDCG@10) Argu Ana", "warning"),
        ("Table 6", "BEIR (nDCG@10) Argu Ana", "note"),
    ]
    assert "in 9 of 9 pairs" in carried[1].message
    assert len(audit.findings) == 5


def test_the_page(shared: Path) -> None:
    audit = review([_seed(shared, "002")])
    zeros = [one for one in audit.findings if one.check == "zero"]
    assert [one.row for one in zeros] == ["MSMARCO", "business reports", "PG", "DBPedia"]
    assert _keys(audit.findings, "average") == [("overview", "0.084", "0.253")]
    slow = [one.row for one in audit.findings if one.check == "latency"]
    assert slow == ["MSMARCO", "business reports", "FiQa", "DBPedia", "arguana"]
    assert len(audit.findings) == 10


@pytest.mark.parametrize(("number", "models"), [("000", 8), ("001", 6)])
def test_the_leaderboards(number: str, models: int, shared: Path) -> None:
    audit = review([_seed(shared, number)])
    assert [one.check for one in audit.findings] == ["copied-speed", "round-speed"]
    assert f"{models} of {models} speeds" in audit.findings[0].message
    assert audit.unread == ()
    assert "V100" in audit.findings[0].message


def test_the_blog(shared: Path) -> None:
    audit = review([_seed(shared, "004")])
    assert (audit.findings, audit.unread) == ((), ())


def test_our_own_tables() -> None:
    audit = review([ROOT / "README.md"])
    assert (audit.findings, audit.unread) == ((), ())


@pytest.mark.parametrize("suffix", ["md", "csv"])
def test_our_own_averages(suffix: str, tmp_path: Path) -> None:
    """A leaderboard with averages, from records without a round speed."""
    names = {"a": 0.11, "b": 0.2, "c": 0.34}
    records = [
        make_record(
            name, {"nDCG@10": [value, value / 3]}, collection=collection, docs_per_s=1000 * value
        )
        for name, value in names.items()
        for collection in ("scifact", "nfcorpus", "fiqa")
    ]
    form = {"md": "markdown", "csv": "csv"}[suffix]
    path = tmp_path / f"table.{suffix}"
    path.write_text(publish(RecordSet(records), load_layout("wide"), form), encoding="utf-8")
    audit = review([path])
    assert (audit.tables, audit.findings) == (1, ())
