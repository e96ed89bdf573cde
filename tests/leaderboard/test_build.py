"""From records to tables: which records count, in which order, and what is said about it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from rerankbench.errors import UsageError
from rerankbench.known import collections
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.types import Throughput

from .records import build, first_stage_record, make_record

FORUMS = ("cqadupstack/android", "cqadupstack/english", "cqadupstack/gaming")
PLAIN = load_layout("plain")
WIDE = load_layout("wide")


def _layout(columns: list[dict[str, object]], **keys: object) -> Layout:
    table = {"columns": [{"kind": "model"}, *columns], "average": keys.pop("average", False)}
    return Layout.model_validate({"tables": [table], **keys})


def _grid(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row.entries] for row in table.rows]


def _headers(table: Table) -> list[str]:
    return [column.text for column in table.columns]


def _cautions(table: Table) -> list[str]:
    return [note for note in table.notes if note.startswith("Caution: ")]


def test_plain_is_sorted_by_the_headline_metric_falling() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.4}),
        first_stage_record(0.3),
        make_record("b", {"nDCG@10": 0.6}),
        make_record("c", {"nDCG@10": 0.4}),
    ]
    (table,) = build(records, PLAIN)
    assert table.title == "scifact (test), bm25 top-100"
    assert _headers(table) == ["Reranker", "nDCG@10", "Δ"]
    assert _grid(table) == [
        ["b", "0.600", "+0.300"],
        ["a", "0.400", "+0.100"],
        ["c", "0.400", "+0.100"],
        ["bm25", "0.300", ""],
    ]
    assert [row.emphasised for row in table.rows] == [False, False, False, True]


def test_plain_shows_speed_and_size() -> None:
    record = make_record(
        docs_per_s=1800, requests_s=[0.010, 0.030, 0.020, 0.040], parameters=22_713_216
    )
    (table,) = build([record], PLAIN)
    assert _headers(table)[2:] == ["Docs/s", "P50 ms", "P90 ms", "Params"]
    assert _grid(table)[0][2:] == ["1800", "20.0", "40.0", "22.7M"]


def test_plain_has_a_table_for_every_collection_first_stage_and_depth() -> None:
    records = [
        make_record(collection="scifact"),
        make_record(collection="nq"),
        make_record(collection="nq", depth=50),
        make_record(collection="nq", first_stage="run"),
        make_record(collection="nq", sampled_queries=20),
    ]
    assert [table.title for table in build(records, PLAIN)] == [
        "nq (test), bm25 top-50",
        "nq (test), bm25 top-100",
        "nq (test), bm25 top-100, 20 sampled queries",
        "nq (test), run top-100",
        "scifact (test), bm25 top-100",
    ]


def test_tables_with_one_title_are_told_apart() -> None:
    records = [make_record(), make_record(first_stage_parameters={"k1": 1.2, "b": 0.75})]
    assert sorted(table.title for table in build(records, PLAIN)) == [
        "scifact (test), bm25 (k1 0.9, b 0.4) top-100",
        "scifact (test), bm25 (k1 1.2, b 0.75) top-100",
    ]


def test_the_order_of_records_does_not_matter() -> None:
    records = [
        make_record(f"m{number}", {"nDCG@10": number % 3 / 10}, machine=f"x{number % 2}")
        for number in range(9)
    ]
    expected = build(records, WIDE)
    random.Random(1).shuffle(records)
    assert build(records, WIDE) == expected


def test_headline_is_the_first_metric_that_all_records_have() -> None:
    records = [
        make_record("a", {"MAP": 0.1, "nDCG@10": 0.4}),
        make_record("b", {"nDCG@10": 0.6}),
    ]
    (table,) = build(records, PLAIN)
    assert _headers(table)[1] == "nDCG@10"


def test_layout_may_choose_the_headline() -> None:
    record = make_record("a", {"nDCG@10": 0.4, "MRR@10": 0.7})
    (table,) = build([record], PLAIN.model_copy(update={"metric": "MRR@10"}))
    assert (_headers(table)[1], _grid(table)[0][1]) == ("MRR@10", "0.700")


def test_a_metric_that_nobody_has_is_said_and_never_zero() -> None:
    layout = _layout([{"kind": "metric", "collection": "scifact", "metric": "MRR@10"}])
    (table,) = build([make_record()], layout)
    assert _grid(table) == [["model", ""]]
    assert _cautions(table) == ["Caution: no record holds MRR@10; recorded: nDCG@10."]


def test_missing_is_a_blank_and_zero_is_a_zero() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.0}, collection="nq"),
        make_record("a", {"nDCG@10": 0.2}, collection="fiqa"),
        make_record("b", {"nDCG@10": 0.3}, collection="fiqa"),
    ]
    (table,) = build(records, WIDE)
    assert _headers(table) == ["Reranker", "Mean", "fiqa", "nq"]
    assert _grid(table) == [["b", "0.300", "0.300", ""], ["a", "0.200", "0.200", "0.000"]]


def test_average_says_over_how_many_and_never_skips_a_missing_one() -> None:
    records = [
        make_record("a", {"nDCG@10": 0.1}, collection="nq"),
        make_record("a", {"nDCG@10": 0.4}, collection="fiqa"),
        make_record("b", {"nDCG@10": 0.9}, collection="fiqa"),
    ]
    layout = _layout([{"kind": "metric", "every_collection": True}], average=True)
    (table,) = build(records, layout)
    assert _headers(table)[-1] == "Average of 2"
    assert _grid(table) == [["a", "0.400", "0.100", "0.250"], ["b", "0.900", "", ""]]


def test_members_are_averaged_only_when_all_are_there() -> None:
    layout = _layout([{"kind": "metric", "header": "CQADupStack", "members": list(FORUMS)}])
    whole = [
        make_record("whole", {"nDCG@10": value}, collection=forum)
        for forum, value in zip(FORUMS, (0.1, 0.2, 0.6), strict=True)
    ]
    part = [make_record("part", {"nDCG@10": 0.9}, collection=forum) for forum in FORUMS[:2]]
    (table,) = build(whole + part, layout)
    assert _grid(table) == [["whole", "0.300"], ["part", ""]]


def test_members_have_a_delta_too() -> None:
    columns: list[dict[str, object]] = [
        {"kind": "metric", "members": list(FORUMS)},
        {"kind": "delta", "members": list(FORUMS)},
    ]
    records = [
        record
        for forum, value in zip(FORUMS, (0.1, 0.2, 0.6), strict=True)
        for record in (
            make_record("model", {"nDCG@10": value + 0.1}, collection=forum),
            first_stage_record(value, collection=forum),
        )
    ]
    (table,) = build(records, _layout(columns))
    assert _grid(table) == [["model", "0.400", "+0.100"], ["bm25", "0.300", ""]]
    short = [record for record in records if record is not records[1]]
    assert _grid(build(short, _layout(columns))[0])[0] == ["model", "0.400", ""]


def test_delta_needs_a_first_stage_over_the_same_task() -> None:
    layout = _layout([{"kind": "delta", "collection": "scifact"}])
    records = [make_record("model"), first_stage_record(0.3, sampled_queries=10)]
    (table,) = build(records, layout)
    assert _grid(table) == [["bm25", ""], ["model", ""]]


def test_a_model_called_bm25_is_not_the_first_stage() -> None:
    (table,) = build([make_record("model"), make_record("bm25", {"nDCG@10": 0.1})], PLAIN)
    assert _headers(table) == ["Reranker", "nDCG@10"]


def test_collections_match_whatever_their_spelling_and_by_other_names() -> None:
    layout = _layout([{"kind": "metric", "collection": ["webis-touche2020", "touche"]}])
    records = [
        make_record("a", {"nDCG@10": 0.1}, collection="Webis_Touche2020"),
        make_record("b", {"nDCG@10": 0.2}, collection="touche"),
    ]
    (table,) = build(records, layout)
    assert _grid(table) == [["b", "0.200"], ["a", "0.100"]]


def test_of_several_records_the_newest_counts_and_a_note_says_so() -> None:
    records = [
        make_record(metrics={"nDCG@10": 0.1}, dtype="float16", started_at="2026-03-01T00:00:00Z"),
        make_record(metrics={"nDCG@10": 0.2}, started_at="2026-02-01T00:00:00Z"),
    ]
    (table,) = build(records, PLAIN)
    assert _grid(table) == [["model", "0.100"]]
    assert _cautions(table) == [
        "Caution: where several records fit one cell, the newest counts: "
        "model on scifact (2 records)."
    ]
    (filtered,) = build(records, PLAIN.model_copy(update={"dtype": "float32"}))
    assert _grid(filtered) == [["model", "0.200"]]
    assert _cautions(filtered) == []


def test_a_copied_record_is_not_several() -> None:
    (table,) = build([make_record(), make_record()], PLAIN)
    assert _cautions(table) == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("first_stage", "run"),
        ("depth", 50),
        ("split", "dev"),
        ("device", "cuda"),
        ("dtype", "bfloat16"),
        ("machine", "elsewhere"),
    ],
)
def test_a_filter_that_leaves_nothing_says_what_it_asked_for(key: str, value: object) -> None:
    layout = PLAIN.model_copy(update={key: value})
    with pytest.raises(UsageError, match=f"none of 1 records fits .* asks for {key} {value}"):
        build([make_record()], layout)


def test_dtype_filter_keeps_the_rows_that_are_no_models() -> None:
    layout = PLAIN.model_copy(update={"dtype": "float32"})
    (table,) = build([make_record(), first_stage_record(0.3)], layout)
    assert [row[0] for row in _grid(table)] == ["model", "bm25"]


def test_collections_without_a_column_leave_nothing() -> None:
    with pytest.raises(UsageError, match="the collections in its columns"):
        build([make_record(collection="demo")], load_layout("beir-full"))


def test_speeds_of_two_machines_are_noted() -> None:
    records = [
        make_record("a", docs_per_s=100),
        make_record("b", docs_per_s=900, machine="machine-b", gpu="H200", device="cuda"),
    ]
    (caution,) = _cautions(build(records, PLAIN)[0])
    assert caution == (
        "Caution: speeds were measured on different machines or devices and compare only within "
        "one: a on Test CPU, 8 cores (cpu, machine machine-a); "
        "b on H200 (cuda, machine machine-b)."
    )


def test_one_machine_needs_no_note_nor_do_two_without_a_speed_column() -> None:
    same = [make_record("a", docs_per_s=100), make_record("b", docs_per_s=900)]
    assert _cautions(build(same, PLAIN)[0]) == []
    other = [make_record("a", docs_per_s=1), make_record("b", docs_per_s=9, machine="other")]
    layout = _layout([{"kind": "metric", "collection": "scifact"}])
    assert _cautions(build(other, layout)[0]) == []


def test_docs_per_s_is_the_median_over_collections_of_one_machine() -> None:
    rates = {"a": 100, "b": 300, "c": 200, "d": 9000}
    records = [
        make_record(
            collection=name, docs_per_s=rate, machine="fast" if rate == 9000 else "machine-a"
        )
        for name, rate in rates.items()
    ]
    (table,) = build(records, WIDE)
    assert _grid(table)[0][2] == "200"
    assert "Speed is the median over the collections timed, 3 of them." in table.notes


def test_pools_of_different_collections_are_noted() -> None:
    records = [
        make_record("a", collection="nq", docs_per_s=1),
        make_record("b", collection="fiqa", docs_per_s=1),
    ]
    assert _cautions(build(records, WIDE)[0]) == [
        "Caution: speeds are medians over different collections from row to row."
    ]


def test_figures_that_do_not_compare_are_noted() -> None:
    layout = _layout([{"kind": "metric", "collection": "scifact"}])
    records = [make_record("a"), make_record("b", depth=50), make_record("c", sampled_queries=7)]
    assert _cautions(build(records, layout)[0]) == [
        "Caution: only a sample of the queries was run: scifact (7).",
        "Caution: figures for scifact do not compare: their tasks differ in "
        "queries (7 of seed 0, all), depth (100, 50).",
    ]


def test_two_collections_in_one_column_are_noted() -> None:
    layout = _layout([{"kind": "metric", "collection": ["touche", "touche-v2"]}])
    records = [make_record("a", collection="touche"), make_record("b", collection="touche-v2")]
    assert _cautions(build(records, layout)[0]) == [
        "Caution: figures for touche do not compare: their tasks differ in "
        "content (touche-c q j, touche-v2-c q j)."
    ]


def test_warnings_are_told_once_with_their_rows() -> None:
    records = [make_record("a", warnings=["x", "y"]), make_record("b", warnings=["x"])]
    assert _cautions(build(records, PLAIN)[0]) == ["Caution: a, b: x.", "Caution: a: y."]


def test_many_warnings_are_counted() -> None:
    records = [make_record("a", warnings=["v", "w", "x", "y", "z"])]
    assert _cautions(build(records, PLAIN)[0])[-1] == (
        "Caution: 2 more warnings; --format json lists them."
    )


def test_facts_name_queries_depth_machine_and_dtype() -> None:
    (table,) = build(
        [make_record(metrics={"nDCG@10": [0.1, 0.3]}), first_stage_record(0.1)],
        PLAIN.model_copy(update={"notes": "all"}),
    )
    assert table.notes == (
        "Queries: 1 to 2.",
        "Reranked: the first 100 documents of bm25 (b=0.4, k1=0.9).",
        "Run on Test CPU, 8 cores (cpu, machine machine-a); engine torch float32.",
        "Δ: difference to the first stage's own order",
    )


def test_notes_can_be_cautions_only_or_none() -> None:
    records = [make_record(warnings=["x"])]
    cautions = PLAIN.model_copy(update={"notes": "cautions"})
    none = PLAIN.model_copy(update={"notes": "none"})
    assert len(build(records, cautions)[0].notes) == 1
    assert build(records, none)[0].notes == ()


def test_rows_that_encode_documents_once_are_named() -> None:
    records = [
        make_record("pairs"),
        make_record("two-tower", family="bi-encoder", reads="documents-once"),
        make_record("colbert", family="late-interaction", reads="documents-once"),
    ]
    said = "Documents encoded once per collection, not once per pair: colbert, two-tower."
    assert said in build(records, PLAIN)[0].notes
    cautions = PLAIN.model_copy(update={"notes": "cautions"})
    assert build(records, cautions)[0].notes == (said,)
    none = PLAIN.model_copy(update={"notes": "none"})
    assert build(records, none)[0].notes == ()
    assert not any("encoded once" in note for note in build(records[:1], PLAIN)[0].notes)


def _families(**keys: object) -> Layout:
    families = [
        {"title": "Big", "models": ["big-2", {"name": "big-1", "label": "Big One"}]},
        {"title": "Absent", "models": ["nowhere"]},
    ]
    columns: list[dict[str, object]] = [{"kind": "metric", "collection": "scifact"}]
    return _layout(columns, families=families, **keys)


def test_listed_order_families_labels_and_others() -> None:
    records = [
        make_record("zoo"),
        make_record("alien"),
        make_record("big-1", {"nDCG@10": 0.9}),
        make_record("big-2"),
    ]
    (table,) = build(records, _families(order="listed"))
    assert [(row.group, row.entries[0].text) for row in table.rows] == [
        ("Big", "big-2"),
        ("Big", "Big One"),
        ("Other", "alien"),
        ("Other", "zoo"),
    ]
    (by_metric,) = build(records, _families(order="metric"))
    assert [row.entries[0].text for row in by_metric.rows][:2] == ["Big One", "big-2"]
    (by_name,) = build(records, _families(order="name"))
    assert [row.entries[0].text for row in by_name.rows][:2] == ["Big One", "big-2"]


def test_unlisted_models_can_be_left_out_but_not_silently() -> None:
    records = [make_record("big-1"), *(make_record(f"m{number}") for number in range(7))]
    (table,) = build(records, _families(other=None))
    assert len(table.rows) == 1
    assert _cautions(table) == [
        "Caution: left out because the layout does not list them: m0, m1, m2, m3, m4 and 2 more."
    ]
    with pytest.raises(UsageError, match="lists none of the rerankers"):
        build(records[1:], _families(other=None))


def test_other_column_kinds() -> None:
    columns: list[dict[str, object]] = [
        {"kind": "queries"},
        {"kind": "latency", "percentile": 99, "decimals": 0, "header": "P{percentile}"},
        {"kind": "docs_per_s", "decimals": 1},
        {"kind": "delta", "collection": "nq", "header": "gain of {metric} on {collection}"},
    ]
    records = [
        make_record(metrics={"nDCG@10": [0.1, 0.2]}, collection="nq", docs_per_s=7),
        make_record(collection="nq", reranker="other", requests_s=[0.5]),
    ]
    (table,) = build(records, _layout(columns, order="name"))
    assert _headers(table)[1:] == ["Queries", "P99", "Docs/s", "gain of nDCG@10 on nq"]
    assert _grid(table) == [["model", "2", "", "7.0", ""], ["other", "1", "500", "", ""]]


def test_a_layout_without_metrics_has_no_order_but_names() -> None:
    (table,) = build([make_record("b"), make_record("a")], _layout([{"kind": "parameters"}]))
    assert [row[0] for row in _grid(table)] == ["a", "b"]


def test_a_record_without_any_metric_has_blanks() -> None:
    (table,) = build([make_record(metrics={})], PLAIN)
    assert _grid(table) == [["model"]]


def test_the_forums_of_cqadupstack_share_one_column_blank_until_all_are_there() -> None:
    whole = collections.by_slug("cqadupstack")
    assert whole is not None
    forums = whole.members
    layout = _layout([{"kind": "metric", "every_collection": True}])
    records = [
        make_record("a", {"nDCG@10": number / 100}, collection=forum)
        for number, forum in enumerate(forums)
    ]
    (table,) = build([*records, make_record("a", collection="fiqa")], layout)
    assert _headers(table) == ["Reranker", "CQADupStack", "fiqa"]
    assert _grid(table)[0][1] == f"{sum(range(12)) / 12 / 100:.3f}"
    (table,) = build([*records[1:], make_record("a", collection="fiqa")], layout)
    assert _grid(table)[0][1] == ""


def test_range_and_interval_stand_behind_the_value_where_they_mean_something() -> None:
    layout = _layout(
        [
            {"kind": "docs_per_s", "range": True},
            {"kind": "latency", "percentile": 90, "interval": True},
        ]
    )
    record = make_record("a", requests_s=[number / 1000 for number in range(1, 51)])
    timed = Throughput(
        queries=1,
        pairs=100,
        tokens=1,
        padded_tokens=1,
        truncated_pairs=0,
        warmup_passes_s=(),
        passes_s=(1.0, 2.0, 4.0),
    )
    record = replace(record, measurements=replace(record.measurements, throughput=timed))
    (table,) = build([record], layout)
    # Of 50 requests the 40th and the 49th enclose P90.
    assert _grid(table)[0][1:] == ["50 (25–100)", "45.0 (40.0–49.0)"]
    few = make_record("a", requests_s=[0.001, 0.002])
    (table,) = build([few], layout)
    assert _grid(table)[0][-1] == "2.0"


def test_a_run_file_is_named_below_the_table() -> None:
    record = make_record("a", first_stage="run", first_stage_parameters={"file": "splade.trec"})
    (table,) = build([record], PLAIN)
    assert "Reranked: the first 100 documents of run (splade.trec)." in table.notes


def test_facts_come_from_the_list_of_known_models_and_are_blank_for_others() -> None:
    layout = _layout([{"kind": "fact", "fact": each} for each in ("licence", "max_length")])
    records = [
        make_record("BAAI/bge-reranker-v2-m3", {"nDCG@10": 0.6}),
        make_record("ours", {"nDCG@10": 0.4}),
    ]
    (table,) = build(records, layout)
    assert _headers(table)[1:] == ["Licence", "Max length"]
    # https://huggingface.co/BAAI/bge-reranker-v2-m3: Apache 2.0, 8192 tokens.
    assert _grid(table) == [["BAAI/bge-reranker-v2-m3", "Apache-2.0", "8192"], ["ours", "", ""]]
