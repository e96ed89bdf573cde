"""Significance in tables: letters, ranges, p, what is said below, in every format."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence

import pytest

from rerankbench.compare.significance import Significance, significance
from rerankbench.errors import UsageError
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.publish import publish
from rerankbench.leaderboard.renderers import latex, markdown
from rerankbench.leaderboard.significant import with_significance
from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.results.record_set import RecordSet
from rerankbench.types import Record

from .records import build, make_record

METRIC = "nDCG@10"
PLAIN = with_significance(load_layout("plain"))
WIDE = with_significance(load_layout("wide"))


def _records(collection: str = "scifact", seed: int = 1) -> list[Record]:
    """bm25, two models that are hard to tell apart above it, and the oracle."""
    draw = random.Random(seed)
    base = [draw.random() * 0.6 for _ in range(100)]

    def better(by: float) -> list[float]:
        return [min(1.0, max(0.0, each + draw.gauss(by, 0.15))) for each in base]

    def record(name: str, values: Sequence[float], **keys: object) -> Record:
        return make_record(name, {METRIC: values}, collection=collection, **keys)  # type: ignore[arg-type]

    return [
        record("bm25", base, family="baseline"),
        record("first", better(0.12)),
        record("second", better(0.11)),
        record("oracle", [1.0] * 100, family="baseline", recipe={"order": "oracle"}),
    ]


def _found(records: Sequence[Record]) -> Significance:
    return significance(records, METRIC)


def _heads(table: Table) -> list[str]:
    return [column.text for column in table.columns]


def _rows(table: Table) -> dict[str, dict[str, Entry]]:
    heads = _heads(table)
    return {
        str(row.entries[0].value): dict(zip(heads, row.entries, strict=True)) for row in table.rows
    }


def test_plain_shows_what_the_comparison_found() -> None:
    records = _records()
    (table,) = build(records, PLAIN)
    assert _heads(table) == ["Reranker", METRIC, "Rank", "Δ", "p", "d"]
    rows = _rows(table)
    for each in _found(records).standings:
        row = rows[each.record.cell.reranker.name]
        assert each.interval is not None
        assert row[METRIC].span == (each.interval.low, each.interval.high)
        assert row[METRIC].mark == each.tier
        assert row["Rank"].span == each.ranks
        if each.against is None:
            assert (row["Δ"].span, row["p"].value, row["d"].value) == (None, None, None)
        else:
            assert each.against.interval is not None
            assert row["Δ"].span == (each.against.interval.low, each.against.interval.high)
            assert row["Δ"].value == pytest.approx(each.against.delta)
            assert (row["p"].value, row["d"].value) == (each.against.holm_p, each.against.effect)


def test_texts_are_ranges_and_no_p_is_zero() -> None:
    rows = _rows(build(_records(), PLAIN)[0])
    first = rows["first"]
    assert (rows["bm25"]["Rank"].text, first["Rank"].text) == ("3", "1–2")
    assert (first[METRIC].mark, rows["bm25"][METRIC].mark) == ("a", "b")
    assert first["p"].text == "<0.001"
    assert first["Δ"].text == "+0.147 (+0.118 to +0.174)"
    assert rows["oracle"]["Rank"].text == rows["oracle"]["p"].text == ""


def test_the_notes_say_how_it_was_found() -> None:
    (table,) = build(_records(), PLAIN.model_copy(update={"notes": "all"}))
    assert table.notes[-5:-1] == (
        "In parentheses: 95 % bootstrap intervals, 10,000 resamples of the queries.",
        "p: paired randomisation test against the first stage's own order, Holm over 2 tests; "
        "d: mean difference in its standard deviations.",
        "Letters and ranks: paired randomisation tests of all pairs, Holm over 3 tests; "
        "sharing a letter means not told apart at 5 %.",
        "Tests are two-sided, 10,000 permutations, seed 0.",
    )


def test_a_wide_table_has_letters_collection_by_collection() -> None:
    records = [*_records("scifact", 1), *_records("nq", 2)[:3]]
    (table,) = build(records, WIDE)
    assert _heads(table) == ["Reranker", "Mean", "nq", "scifact"]
    rows = _rows(table)
    for of_one in (records[:4], records[4:]):
        for each in _found(of_one).standings:
            cell = each.record.cell
            entry = rows[cell.reranker.name][cell.collection.name]
            assert (entry.mark, entry.span) == (each.tier, None)
    assert any(note.startswith("Letters: paired") for note in table.notes)


def test_the_first_stage_takes_part_where_no_row_shows_it() -> None:
    layout = Layout.model_validate(
        {
            "per_collection": True,
            "families": [{"title": "Ours", "models": ["first", "second"]}],
            "other": None,
            "tables": [{"columns": [{"kind": "model"}, {"kind": "metric"}]}],
        }
    )
    rows = _rows(build(_records(), with_significance(layout))[0])
    assert set(rows) == {"first", "second"}
    by_name = {each.record.cell.reranker.name: each for each in _found(_records()).standings}
    for name, row in rows.items():
        against = by_name[name].against
        assert against is not None
        assert row["p"].value == against.holm_p


def test_without_a_first_stage_there_is_no_p_but_ranks() -> None:
    (table,) = build(_records()[1:], PLAIN)
    assert _heads(table) == ["Reranker", METRIC, "Rank"]
    assert not any("first stage's own order" in note for note in table.notes)


def test_one_system_alone_has_an_interval_only() -> None:
    (table,) = build(_records()[1:2], PLAIN)
    assert _heads(table) == ["Reranker", METRIC]
    assert table.rows[0].entries[1].mark == ""
    assert table.notes[0].startswith("In parentheses")


def test_a_square_of_several_collections_has_none() -> None:
    records = [*_records("nq"), *_records("fiqa")]
    column = {"kind": "metric", "members": ["nq", "fiqa"], "tiers": True, "interval": True}
    layout = Layout.model_validate({"tables": [{"columns": [{"kind": "model"}, column]}]})
    entries = [row.entries[1] for row in build(records, layout)[0].rows]
    assert all((entry.mark, entry.span) == ("", None) for entry in entries)


def test_a_layout_may_name_the_columns_itself() -> None:
    columns = [
        {"kind": "model"},
        {"kind": "rank", "collection": "scifact", "header": "Place"},
        {"kind": "effect", "collection": "scifact", "decimals": 1},
    ]
    layout = Layout.model_validate({"tables": [{"columns": columns}]})
    (table,) = build(_records(), layout)
    assert _heads(table) == ["Reranker", "Place", "d"]
    assert any(note.startswith("Ranks: paired") for note in table.notes)


def test_without_the_option_nothing_changes() -> None:
    (table,) = build(_records(), load_layout("plain"))
    assert _heads(table) == ["Reranker", METRIC, "Δ"]
    assert not any("95 %" in note for note in table.notes)


def test_a_layout_keeps_its_own_delta_and_other_metrics() -> None:
    layout = Layout.model_validate(
        {
            "per_collection": True,
            "tables": [
                {
                    "columns": [
                        {"kind": "model"},
                        {"kind": "delta", "header": "Gain", "decimals": 1},
                        {"kind": "metric"},
                        {"kind": "metric", "metric": "MRR@10"},
                    ]
                }
            ],
        }
    )
    records = [make_record("a", {METRIC: [0.1, 0.2], "MRR@10": [0.5, 1.0]}), make_record("b")]
    (table,) = build(records[:1], with_significance(layout))
    assert _heads(table) == ["Reranker", METRIC, "Rank", "Gain", "p", "d", "MRR@10"]


def test_a_record_without_the_metric_is_left_out_of_the_tests() -> None:
    records = [*_records(), make_record("other", {"MAP": [0.1] * 100})]
    layout = with_significance(load_layout("plain").model_copy(update={"metric": METRIC}))
    rows = _rows(build(records, layout)[0])
    assert rows["bm25"]["Rank"].text == "3"


def test_a_layout_without_metrics_is_refused() -> None:
    layout = Layout.model_validate({"tables": [{"columns": [{"kind": "model"}]}]})
    with pytest.raises(UsageError, match="no column of a metric"):
        with_significance(layout)


def test_csv_holds_bounds_letters_and_p_as_raw_columns() -> None:
    records = _records()
    lines = list(csv.DictReader(io.StringIO(publish(RecordSet(records), PLAIN, "csv"))))
    assert list(lines[0]) == [
        *("Reranker", METRIC, f"{METRIC} (low)", f"{METRIC} (high)", f"{METRIC} (mark)"),
        *("Rank (low)", "Rank (high)", "Δ", "Δ (low)", "Δ (high)", "p", "d"),
    ]
    by_name = {line["Reranker"]: line for line in lines}
    for each in _found(records).standings:
        line = by_name[each.record.cell.reranker.name]
        assert line["Rank (high)"] == (str(each.ranks[1]) if each.ranks else "")
        assert line["p"] == (str(each.against.holm_p) if each.against else "")


def _one(entry: Entry) -> Table:
    return Table(title="t", columns=(Header(text="x"),), rows=(Row(entries=(entry,)),))


def test_signed_intervals_are_mathematics_in_latex() -> None:
    entry = Entry(value=0.1, form="signed", decimals=2, span=(-0.05, 0.25))
    assert r"$+0.10$ ($-0.05$ to $+0.25$) \\" in latex.render([_one(entry)])
    assert "+0.10 (-0.05 to +0.25)" in markdown.render([_one(entry)])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0002, "<0.001"), (0.001, "0.001"), (0.0496, "0.050"), (1.0, "1.000")]
)
def test_a_probability_is_never_printed_as_zero(value: float, text: str) -> None:
    assert Entry(value=value, form="probability", decimals=3).text == text
