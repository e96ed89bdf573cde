"""Metrics, averages, columns and baselines that the command's options ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import pytest

from rerankbench.errors import UsageError
from rerankbench.leaderboard.build import build
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.options import LayoutChanges, changed
from rerankbench.leaderboard.significant import with_significance
from rerankbench.leaderboard.table import Table
from rerankbench.results.record_set import RecordSet
from rerankbench.stats import paired
from rerankbench.types import Record, Role

from .records import make_record

PLAIN, WIDE = load_layout("plain"), load_layout("wide")
VALUES = {
    "bm25": [0.5, 0.25, 0.0, 0.5, 0.25, 0.5],
    "a": [1.0, 0.5, 0.25, 0.75, 0.5, 1.0],
    "b": [0.5, 0.5, 0.5, 0.5, 1.0, 0.75],
}


def _records(collection: str = "scifact", names: Sequence[str] = tuple(VALUES)) -> list[Record]:
    records = []
    for name in names:
        values = VALUES[name]
        metrics = {"nDCG@10": values, "MAP": [value / 2 for value in values]}
        record = make_record(name, metrics, collection=collection)
        role: Role = "first-stage" if name == "bm25" else "model"
        reranker = replace(record.cell.reranker, role=role)
        records.append(replace(record, cell=replace(record.cell, reranker=reranker)))
    return records


def _tables(records: Sequence[Record], layout: Layout, **changes: object) -> list[Table]:
    return build(
        RecordSet(records),
        changed(layout, LayoutChanges(**changes), records),  # type: ignore[arg-type]
    )


def _values(table: Table, head: str) -> dict[str, object]:
    at = [column.text for column in table.columns].index(head)
    return {str(row.entries[0].value): row.entries[at].value for row in table.rows}


def _heads(table: Table) -> list[str]:
    return [column.text for column in table.columns]


def test_several_metrics_are_columns_and_the_first_decides_the_order() -> None:
    (table,) = _tables(_records(), PLAIN, metrics=["map", "nDCG@10"])
    assert _heads(table)[:4] == ["Reranker", "MAP", "Δ", "nDCG@10"]
    assert _values(table, "MAP") == {name: fmean(x) / 2 for name, x in VALUES.items()}
    assert _values(table, "nDCG@10") == {name: fmean(x) for name, x in VALUES.items()}
    assert [row.entries[0].value for row in table.rows] == ["a", "b", "bm25"]


def test_several_metrics_over_collections_are_a_table_each() -> None:
    records = [*_records("scifact"), *_records("fiqa")]
    ndcg, recall = _tables(records, WIDE, metrics=["nDCG@10", "MAP"])
    assert ndcg.title.startswith("nDCG@10 by collection")
    assert recall.title.startswith("MAP by collection")
    assert _values(recall, "fiqa") == {name: fmean(x) / 2 for name, x in VALUES.items()}


def test_a_metric_that_no_record_holds_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no record holds MAPP; did you mean 'MAP'\?"):
        _tables(_records(), PLAIN, metrics=["MAPP"])


def test_differences_and_p_are_counted_from_the_baseline() -> None:
    records = _records()
    layout = with_significance(changed(PLAIN, LayoutChanges(baseline="a"), records))
    (table,) = build(RecordSet(records), layout)
    means = {name: fmean(values) for name, values in VALUES.items()}
    assert _values(table, "Δ") == {
        "a": None,
        "b": pytest.approx(means["b"] - means["a"]),
        "bm25": pytest.approx(means["bm25"] - means["a"]),
    }
    p = [
        paired.randomisation_p([x - y for x, y in zip(VALUES[name], VALUES["a"], strict=True)])
        for name in ("b", "bm25")
    ]
    shown = _values(table, "p")
    assert [shown["b"], shown["bm25"]] == pytest.approx(paired.holm(p))
    assert shown["a"] is None
    (whole,) = _tables(records, PLAIN, baseline="a", notes="all")
    assert "Δ: difference to a" in whole.notes
    assert any("test against a" in note for note in table.notes)


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no reranker 'c' in these records; known: a, b, bm25"):
        _tables(_records(), PLAIN, baseline="c")


def test_only_the_columns_that_were_asked_for_are_shown() -> None:
    records = [make_record("m", {"nDCG@10": 0.5}, docs_per_s=10)]
    (table,) = _tables(records, PLAIN, columns=["docs_per_s", "metric", "queries"])
    assert _heads(table) == ["Reranker", "Docs/s", "nDCG@10", "Queries"]
    assert [row.entries[1].value for row in table.rows] == [10]
    for unknown, told in (("metrc", "did you mean 'metric'"), ("fact", "needs keys of its own")):
        with pytest.raises(UsageError, match=told):
            _tables(_records(), PLAIN, columns=[unknown])
    with pytest.raises(UsageError, match="--columns metric"):
        _tables(_records(), load_layout("ratings"), columns=["metric"])


def test_an_average_needs_several_collections() -> None:
    records = [*_records("scifact"), *_records("fiqa", ["bm25", "a"])]
    (table,) = _tables(records, WIDE, average=True)
    average = _values(table, "Average of 2")
    assert average["a"] == pytest.approx(fmean(VALUES["a"]))
    assert average["b"] is None, "it lacks a collection"
    with pytest.raises(UsageError, match="add --layout wide"):
        _tables(records, PLAIN, average=True)


# --- wide -----------------------------------------------------------------------------------


def test_wide_is_in_the_order_of_the_mean_over_what_all_models_have() -> None:
    records = [*_records("scifact"), *_records("fiqa"), *_records("nq", ["bm25", "a"])]
    (table,) = _tables(records, WIDE)
    means = {name: fmean(values) for name, values in VALUES.items()}
    assert _values(table, "Mean") == pytest.approx(means)
    assert [row.entries[0].value for row in table.rows] == ["a", "b", "bm25"]
    assert "The mean is over fiqa, scifact, which all models have. Missing: b: nq." in table.notes


def test_the_first_collection_by_name_does_not_decide_the_order() -> None:
    low, high = (
        make_record("low", {"nDCG@10": 0.9}, collection="a"),
        make_record("low", {"nDCG@10": 0.1}, collection="b"),
    )
    other = [make_record("high", {"nDCG@10": 0.6}, collection=name) for name in "ab"]
    (table,) = _tables([low, high, *other], WIDE)
    assert [row.entries[0].value for row in table.rows] == ["high", "low"]


def test_without_a_shared_collection_there_is_no_mean_and_names_decide() -> None:
    records = [
        make_record("z", {"nDCG@10": 0.9}, collection="a"),
        make_record("b", {"nDCG@10": 0.1}, collection="c"),
    ]
    (table,) = _tables(records, WIDE)
    assert "Mean" not in _heads(table)
    assert [row.entries[0].value for row in table.rows] == ["b", "z"]


def test_other_candidates_never_share_a_column() -> None:
    records = [
        make_record("m", {"nDCG@10": 0.5}, collection="scifact"),
        make_record("m", {"nDCG@10": 0.6}, collection="scifact", depth=10),
        make_record("m", {"nDCG@10": 0.7}, collection="scifact", first_stage="run"),
        make_record("m", {"nDCG@10": 0.8}, collection="scifact", sampled_queries=5),
        make_record("m", {"nDCG@10": 0.9}, collection="fiqa"),
    ]
    tables = _tables(records, WIDE)
    shown = {table.title: _values(table, "scifact")["m"] for table in tables}
    assert sorted(shown.values()) == [0.5, 0.6, 0.7, 0.8]  # type: ignore[type-var]
    assert len(shown) == 4, "titles tell them apart"
    (fiqa,) = [table for table in tables if "fiqa" in _heads(table)]
    assert _values(fiqa, "scifact")["m"] == 0.5


def test_two_contents_of_one_collection_are_two_tables() -> None:
    record = make_record("m", {"nDCG@10": 0.5})
    hashes = replace(record.cell.collection.hashes, corpus=json.dumps("other"))
    collection = replace(record.cell.collection, hashes=hashes)
    other = replace(
        make_record("m", {"nDCG@10": 0.7}), cell=replace(record.cell, collection=collection)
    )
    tables = _tables([record, other], WIDE)
    assert sorted(_values(table, "scifact")["m"] for table in tables) == [0.5, 0.7]  # type: ignore[type-var]
    assert len({table.title for table in tables}) == 2


# --- notes ----------------------------------------------------------------------------------


def test_at_most_six_notes_cautions_first_and_who_leads_last() -> None:
    warned = [replace(record, warnings=("odd", "very odd")) for record in _records()]
    (table,) = _tables(warned, PLAIN)
    assert len(table.notes) == 6
    assert table.notes[0].startswith("Caution: ")
    assert table.notes[-2].endswith("--notes all.")
    lead = fmean(VALUES["a"]) - fmean(VALUES["b"])
    assert table.notes[-1].startswith(f"a leads b by {lead:.3f} nDCG@10; 6 queries cannot tell")
    (whole,) = _tables(warned, PLAIN, notes="all")
    assert len(whole.notes) > 6
    assert set(table.notes[:1]) < set(whole.notes)
    (none,) = _tables(warned, PLAIN, notes="none")
    assert none.notes == ()


def test_nobody_leads_where_queries_differ_or_one_is_alone() -> None:
    records = _records()
    other = make_record("c", {"nDCG@10": [0.5, 0.5]})
    for several in ([*records, other], records[1:2]):
        (table,) = _tables(several, PLAIN)
        assert not any("leads" in note for note in table.notes)


def test_an_unknown_number_of_notes_is_refused() -> None:
    with pytest.raises(UsageError, match="--notes al: did you mean 'all'"):
        _tables(_records(), PLAIN, notes="al")
