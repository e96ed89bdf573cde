"""Measured beside published figures: which is chosen, what is said of its setting."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from rerankbench.cli.leaderboard import leaderboard
from rerankbench.errors import UsageError
from rerankbench.leaderboard.against import against_published, publish_against
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.results.store import dump_record
from rerankbench.types import Record

from .records import make_record

L6 = "cross-encoder/ms-marco-MiniLM-L6-v2"


def _plain(*records: Record) -> list[Table]:
    return against_published(records, load_layout("plain"))


def _cells(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row.entries] for row in table.rows]


def test_a_renamed_model_on_a_renamed_collection_finds_its_figure() -> None:
    (table,) = _plain(make_record(L6, {"nDCG@10": 0.7123}, collection="NFCorpus"))
    assert [head.text for head in table.columns] == [
        *("Reranker", "nDCG@10", "published", "Δ", "source")
    ]
    assert _cells(table) == [[L6, "0.712", "0.360", "+0.352", "1"]]
    assert table.rows[0].entries[4].link == (
        "https://github.com/beir-cellar/beir/blob/main/examples/retrieval/evaluation/reranking/"
        "README.md"
    )
    assert any("Source 1: BEIR reranking leaderboard, present" in note for note in table.notes)
    assert any("Elasticsearch" in note for note in table.notes)
    assert not any("Caution" in note for note in table.notes)


def test_rows_without_a_published_figure_are_left_out_and_the_best_stands_first() -> None:
    (table,) = _plain(
        make_record("someone/else", {"nDCG@10": 0.9}),
        make_record("ms-marco-TinyBERT-L-2-v2", {"nDCG@10": 0.6}),
        make_record(L6, {"nDCG@10": 0.7}),
    )
    assert [cells[:3] for cells in _cells(table)] == [
        [L6, "0.700", "0.682"],
        ["ms-marco-TinyBERT-L-2-v2", "0.600", "0.662"],
    ]


def test_another_setting_is_said() -> None:
    record = make_record(L6, depth=50, first_stage="rank-bm25", sampled_queries=20)
    cell = dataclasses.replace(record.cell, adds_positives=True)
    (table,) = _plain(dataclasses.replace(record, cell=cell))
    (caution,) = [note for note in table.notes if note.startswith("Caution")]
    assert caution == (
        "Caution: source 1 has another setting: first stage bm25, here rank-bm25; depth 100, here "
        "50; missed positives not added, here added; all queries, here a sample of 20."
    )


def test_of_several_figures_the_one_with_the_nearest_setting_is_shown() -> None:
    """GooAQ's table prints each model twice: with missed positives added, and without."""
    stage = "sentence-transformers/static-retrieval-mrl-en-v1"
    plain = make_record(L6, {"nDCG@10": 0.7}, collection="gooaq", first_stage=stage, depth=30)
    added = dataclasses.replace(plain, cell=dataclasses.replace(plain.cell, adds_positives=True))
    assert _cells(_plain(plain)[0]) == [[L6, "0.700", "0.6956", "+0.004", "1"]]
    assert _cells(_plain(added)[0]) == [[L6, "0.700", "0.7209", "-0.021", "1"]]


def test_doubtful_figures_are_never_set_beside_measured_ones() -> None:
    """agentset prints 0.000 where nothing was measured on DBPedia."""
    bge = "BAAI/bge-reranker-v2-m3"
    with pytest.raises(UsageError, match="none of 1 records"):
        _plain(make_record(bge, collection="dbpedia-entity"))
    (table,) = _plain(make_record(bge, collection="arguana"))
    assert _cells(table)[0][2] == "0.386"
    assert any("first stage not stated, here bm25" in note for note in table.notes)


def test_every_metric_of_the_layout_has_its_table() -> None:
    layout = Layout.model_validate(
        {
            "per_collection": True,
            "tables": [
                {
                    "columns": [
                        {"kind": "model"},
                        {"kind": "metric", "metric": "nDCG@10"},
                        {"kind": "metric", "metric": "MRR@10"},
                    ]
                }
            ],
        }
    )
    record = make_record(L6, {"nDCG@10": 0.4, "MRR@10": 0.3}, collection="msmarco")
    first, second = against_published([record], layout)
    assert [cells[:3] for cells in _cells(first)] == [[L6, "0.400", "0.401"]]
    assert [cells[:3] for cells in _cells(second)] == [[L6, "0.300", "0.3901"]]
    # The record is of the split `test`, which on MS MARCO is TREC DL 2019.
    assert any("split dev, here test" in note for note in first.notes)


def test_a_layout_can_say_which_published_model_a_folder_is() -> None:
    layout = load_layout("plain").model_copy(
        update={
            "families": Layout.model_validate(
                {
                    "families": [
                        {"title": "", "models": [{"name": L6, "also": ["here"], "label": "mine"}]}
                    ],
                    "tables": [{"columns": [{"kind": "model"}]}],
                }
            ).families
        }
    )
    (table,) = against_published([make_record("here", {"nDCG@10": 0.7})], layout)
    assert _cells(table) == [["mine", "0.700", "0.682", "+0.018", "1"]]


def test_markdown_csv_and_what_cannot_be() -> None:
    records = [make_record(L6, {"nDCG@10": 0.7})]
    layout = load_layout("plain")
    assert "0.682" in publish_against(records, layout, "markdown", "published")
    assert "0.682" in publish_against(records, layout, "csv", "published")
    with pytest.raises(UsageError, match="did you mean 'published'"):
        publish_against(records, layout, "markdown", "publishd")
    with pytest.raises(UsageError, match="leave out --against"):
        publish_against(records, layout, "json", "published")


def test_the_command_prints_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(dump_record(make_record(L6, {"nDCG@10": 0.7})))
    app = typer.Typer()
    app.command()(leaderboard)
    found = CliRunner().invoke(app, ["--against", "published", str(path)])
    assert (found.exit_code, found.stderr) == (0, "")
    assert "### scifact (test), bm25 top-100: measured and published" in found.stdout
    assert f"| {L6} |   0.700 |     0.682 | +0.018 |" in found.stdout
    mixed = CliRunner().invoke(app, ["--against", "published", "--significance", str(path)])
    assert isinstance(mixed.exception, UsageError)
