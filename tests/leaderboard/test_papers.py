"""The tables of papers, made from their own figures, against what the papers print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from rerankbench.known import models as known_models
from rerankbench.known.published import PublishedFigure, published
from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.table import Table
from rerankbench.types import Record

from .records import build, make_record

CELI = "CELI: A Simple yet Effective"
BLOG = "Training and Finetuning Reranker Models"
BACKBONES = ("MiniLM", "ELECTRA-base", "ELECTRA-large")
# Printed 0.481, but the 13 figures beside it have the mean 0.4738; 0.481 is the average of the row
# Mean-Pooling (MiniLM).
WRONG_AVERAGE = ("ELECTRA-base", "monoBERT", "0.481", "0.474")
# The printed figures have means of 0.47054 and 0.49454; those of the unrounded ones may be
# a little less.
ROUNDED = [
    ("TCT-ColBERT", "monoBERT", "0.470", "0.471"),
    ("TCT-ColBERT", "CELI", "0.494", "0.495"),
]
# Table 2 and Table 5 of the paper print different figures for one thing; the records hold Table 5.
UNLIKE_IN_TABLE_2 = [
    ("MiniLM", "Mean-Pooling", "0.390", "0.391"),
    ("ELECTRA-base", "Mean-Pooling", "0.402", "0.403"),
]


def _figures(source: str, *tables: str) -> list[PublishedFigure]:
    return [
        figure
        for figure in published()
        if figure.source.title.startswith(source) and figure.table in tables
    ]


def _records(source: str, *tables: str) -> list[Record]:
    """The figures of single collections as records."""
    found = {
        (each.model, each.collection, each.first_stage, each.adds_positives): make_record(
            each.model,
            {each.metric: each.value},
            collection=each.collection,
            first_stage=each.first_stage or "",
            depth=each.depth or 0,
            adds_positives=each.adds_positives,
        )
        for each in _figures(source, *tables)
        if each.collection is not None
    }
    return list(found.values())


def _table_1_records() -> list[Record]:
    seconds = {
        each.model: each.value for each in _figures(CELI, "Table 1") if each.metric == "latency_s"
    }
    return [
        make_record(
            record.cell.reranker.name,
            {metric: list(values.values()) for metric, values in record.per_query.items()},
            collection=record.cell.collection.name,
            first_stage=record.cell.first_stage.name,
            depth=1000,
            requests_s=[seconds[record.cell.reranker.name]],
        )
        for record in _records(CELI, "Table 5")
        if record.cell.reranker.name in seconds
    ]


def _rows(table: Table) -> Iterator[list[str]]:
    for row in table.rows:
        yield [entry.text for entry in row.entries]


def _printed(table: str) -> Mapping[str, list[str]]:
    """Row of the paper → its figures as printed, in the order of the columns."""
    rows: dict[str, list[str]] = {}
    for each in _figures(CELI, table):
        unit = "s" if each.metric == "latency_s" else ""
        rows.setdefault(each.model, []).append(f"{each.value:.{each.decimals}f}{unit}")
    return rows


def _strong(table: Table) -> list[tuple[str, ...]]:
    return [
        (row.block, row.entries[1].text, table.columns[at].full)
        for row in table.rows
        for at, entry in enumerate(row.entries)
        if entry.strong
    ]


def test_celi_1_shows_seconds_per_query_beside_quality() -> None:
    (table,) = build(_table_1_records(), load_layout("celi-1"))
    assert [column.full for column in table.columns] == [
        "Model",
        "MS MARCO: MRR@10",
        "BEIR Avg.: nDCG@10",
        "Search Latency",
    ]
    printed = _printed("Table 1")
    assert list(_rows(table)) == [
        ["monoBERT", *printed["monoBERT (MiniLM)"]],
        ["CELI", *printed["CELI (MiniLM)"]],
    ]
    assert table.rows[0].entries[-1].text == "1.18s"


def test_celi_2_recomputes_averages_and_marks_the_best_of_each_backbone() -> None:
    (table,) = build(_records(CELI, "Table 5"), load_layout("celi-2"))
    unlike = []
    for (backbone, model, *found), printed in zip(
        _rows(table), _printed("Table 2").values(), strict=True
    ):
        unlike += [
            (backbone, model, old, new)
            for old, new in zip(printed, found, strict=True)
            if old != new
        ]
    assert sorted(unlike) == sorted([WRONG_AVERAGE, *UNLIKE_IN_TABLE_2])
    assert _strong(table) == [(backbone, "CELI", "BEIR: nDCG@10") for backbone in BACKBONES]


def test_celi_3_has_first_stages_in_columns_of_two_tables() -> None:
    sparse, dense = build(_records(CELI, "Table 6"), load_layout("celi-3"))
    assert dense.continues
    assert [column.full for column in sparse.columns[1:]] == [
        *("Sparse: BM25", "Sparse: uniCOIL", "Sparse: SPLADE"),
        "Multi-vector Dense: ColBERT v2",
    ]
    assert {column.above for column in dense.columns[1:]} == {("Single-vector Dense",)}
    unlike: list[tuple[str, ...]] = []
    stages = [str(each.first_stage) for each in _figures(CELI, "Table 3")[:4]]
    stages += [str(each.first_stage) for each in _figures(CELI, "Table 3")[8:13]]
    # The paper's table is stacked; its figures are in the order of its halves.
    for upper, lower in zip(_rows(sparse), _rows(dense), strict=True):
        assert upper[0] == lower[0]
        printed = _printed("Table 3")[f"{upper[0]} (MiniLM)"]
        unlike += [
            (stage, upper[0], old, new)
            for stage, old, new in zip(stages, printed, upper[1:] + lower[1:], strict=True)
            if old != new
        ]
    assert unlike == ROUNDED


def test_celi_4_has_rows_by_token_dimension_with_four_decimals() -> None:
    # The paper prints no figures by collection here: every one has the printed mean.
    means = {each.model: each.value for each in _figures(CELI, "Table 4") if each.average_of}
    averaged = {
        each.model: each.average_of for each in _figures(CELI, "Table 4") if each.average_of
    }
    records = _records(CELI, "Table 4") + [
        make_record(model, {"nDCG@10": mean}, collection=collection, depth=1000)
        for model, mean in means.items()
        for collection in averaged[model]
    ]
    (table,) = build(records, load_layout("celi-4"))
    assert [row[0] for row in _rows(table)] == [
        "(1) D_tok = 1",
        "(2) D_tok = 32",
        "(3) D_tok = 128",
        "(4) D_tok = 384",
    ]
    assert [row[1:] for row in _rows(table)] == list(_printed("Table 4").values())


def test_celi_5_is_the_paper_but_for_the_average_that_its_columns_do_not_give() -> None:
    (table,) = build(_records(CELI, "Table 5"), load_layout("celi-5"))
    assert [row.block for row in table.rows] == [name for name in BACKBONES for _ in range(3)]
    assert {column.above for column in table.columns[3:]} == {("BEIR (nDCG@10)",)}
    unlike = [
        (backbone, model, old, new)
        for (backbone, model, *found), printed in zip(
            _rows(table), _printed("Table 5").values(), strict=True
        )
        for old, new in zip(printed, found, strict=True)
        if old != new
    ]
    assert unlike == [WRONG_AVERAGE]


def test_celi_6_has_a_row_for_every_first_stage_and_model() -> None:
    (table,) = build(_records(CELI, "Table 6"), load_layout("celi-6"))
    figures = _figures(CELI, "Table 6")
    stages = list(dict.fromkeys(str(each.first_stage) for each in figures))
    assert [(row.group, row.block) for row in table.rows[::2]] == [
        *(("Sparse", name) for name in ("BM25", *stages[1:3])),
        *(("Single-vector Dense", name) for name in stages[3:8]),
        ("Multi-vector Dense", "ColBERT v2"),
    ]
    assert [row[1] for row in _rows(table)] == ["monoBERT", "CELI"] * 9
    found = [(row.block, *(entry.text for entry in row.entries[1:])) for row in table.rows]
    size = len(table.columns) - 2
    printed = [
        (
            stage if stage != "bm25" else "BM25",
            model,
            *(f"{each.value:.3f}" for each in figures[at : at + size]),
        )
        for at, (stage, model) in zip(
            range(0, len(figures), size),
            ((stage, model) for stage in stages for model in ("monoBERT", "CELI")),
            strict=True,
        )
    ]
    unlike = [
        (stage, model, old, new)
        for (stage, model, *olds), (_, _, *news) in zip(printed, found, strict=True)
        for old, new in zip(olds, news, strict=True)
        if old != new
    ]
    assert unlike == ROUNDED


def test_a_first_stage_in_a_run_file_goes_by_the_files_name() -> None:
    records = [
        make_record(
            "CELI (MiniLM)",
            {"nDCG@10": 0.5},
            collection=collection,
            first_stage="run",
            first_stage_parameters={"file": f"SPLADE.{collection}.trec.gz"},
            depth=1000,
        )
        for collection in ("scifact", "trec-covid")
    ]
    (table,) = build(records, load_layout("celi-6"))
    assert [(row.group, row.block) for row in table.rows] == [("Sparse", "SPLADE")]


def _blog_records() -> list[Record]:
    return [
        make_record(
            "bm25" if each.model == each.first_stage else each.model,
            {each.metric: each.value},
            collection="GooAQ",
            first_stage="static-retrieval",
            depth=30,
            family="baseline" if each.model == each.first_stage else "sequence-classification",
            parameters=_parameters(each.model),
            adds_positives=each.adds_positives,
        )
        for each in _figures(BLOG, "GooAQ")
    ]


def _parameters(model: str) -> int | None:
    known = known_models.find(model)
    return known.parameters if known else None


def test_the_blogs_table_has_both_settings_links_and_own_models_in_bold() -> None:
    (table,) = build(_blog_records(), load_layout("hf-blog"))
    assert [column.text for column in table.columns] == [
        "Model",
        "Model Parameters",
        "GooAQ nDCG@10 after reranking top 30",
        "GooAQ nDCG@10 after reranking top 30 + all positives (unrealistic)",
    ]
    first, *models = table.rows
    assert first.emphasised
    assert [entry.text for entry in first.entries] == [
        "No reranking, retriever only",
        "-",
        "59.12",
        "59.12",
    ]
    figures = _figures(BLOG, "GooAQ")[2:]
    found = [text for row in models for text in (row.entries[2].text, row.entries[3].text)]
    assert found == [f"{100 * each.value:.2f}" for each in figures]
    assert [row.entries[0].text for row in models] == [each.model for each in figures[::2]]
    own = [row for row in models if all(entry.strong for entry in row.entries if entry.text)]
    assert [row.entries[0].text for row in own] == [
        "tomaarsen/reranker-ModernBERT-base-gooaq-bce",
        "tomaarsen/reranker-ModernBERT-large-gooaq-bce",
    ]
    assert not any(entry.strong for row in models[:-2] for entry in row.entries)
    for row in models:
        name = row.entries[0].text
        assert row.entries[0].url == f"https://huggingface.co/{name}"
    (caution,) = table.notes
    assert "where a column says so: no search reaches these figures" in caution


def test_without_such_records_the_column_with_all_positives_is_blank() -> None:
    records = [one for one in _blog_records() if not one.cell.adds_positives]
    (table,) = build(records, load_layout("hf-blog"))
    assert {row.entries[3].text for row in table.rows} == {""}
    assert table.rows[0].entries[2].text == "59.12"
    assert table.notes == ()


@pytest.mark.parametrize("layout", ["plain", "wide"])
def test_added_positives_never_share_a_table_with_others(layout: str) -> None:
    tables = build(_blog_records(), load_layout(layout))
    shown = {entry.value for entry in tables[0].rows[-1].entries if isinstance(entry.value, float)}
    assert shown == {0.5912}
    if layout == "plain":
        assert [table.title for table in tables] == [
            "GooAQ (test), static-retrieval top-30 (missed positives not added)",
            "GooAQ (test), static-retrieval top-30 (missed positives added)",
        ]
        assert "added to the candidates in all rows" in tables[1].notes[0]
    else:
        assert [table.title.partition("top-30")[2] for table in tables] == [
            " (missed positives not added)",
            " (missed positives added)",
        ]


@pytest.mark.parametrize("layout", ["plain", "wide"])
def test_added_positives_alone_are_shown_and_said(layout: str) -> None:
    records = [one for one in _blog_records() if one.cell.adds_positives]
    (table,) = build(records, load_layout(layout))
    assert "added to the candidates in all rows: no search reaches" in table.notes[0]
