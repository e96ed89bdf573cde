"""What a layout can ask for beyond plain columns: heads over heads, blocks, the best, sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from pydantic import ValidationError

from rerankbench.leaderboard.highlights import stand_out
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.renderers import csv, latex, markdown
from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.results import derived
from rerankbench.types import Record

from .records import build, first_stage_record, make_record

MODEL = {"kind": "model"}
ADDED = {"adds_positives": True}
NDCG = {"kind": "metric", "collection": "scifact"}


def _layout(*columns: Mapping[str, object], **keys: object) -> Layout:
    return Layout.model_validate({"tables": [{"columns": list(columns)}], **keys})


def _table(records: Sequence[Record], *columns: Mapping[str, object], **keys: object) -> Table:
    (table,) = build(records, _layout(*columns, **keys))
    return table


def _texts(table: Table) -> list[list[str]]:
    return [[entry.text for entry in row.entries] for row in table.rows]


def _strong(table: Table) -> list[list[bool]]:
    return [[entry.strong for entry in row.entries] for row in table.rows]


def _problem(*columns: Mapping[str, object], **keys: object) -> str:
    with pytest.raises(ValidationError) as caught:
        _layout(*columns, **keys)
    return str(caught.value)


def test_heads_over_heads_are_joined_where_a_format_has_one_line_of_them() -> None:
    over = {"above": ["All", "{collection}"], "header": "{metric}"}
    table = _table([make_record("m")], MODEL, {**NDCG, **over})
    assert table.columns[1].above == ("All", "scifact")
    assert "| All: scifact: nDCG@10 |" in markdown.render([table])
    assert csv.render([table]).splitlines()[0] == "Reranker,All: scifact: nDCG@10"


def test_latex_has_rules_under_heads_over_several_columns() -> None:
    columns = [{**NDCG, "above": "BEIR", "header": "a"}, {**NDCG, "above": "BEIR", "header": "b"}]
    table = _table([make_record("m")], MODEL, *columns, {**NDCG, "header": "c"})
    lines = latex.render([table]).splitlines()
    at = lines.index(r"\toprule") + 1
    assert lines[at : at + 4] == [
        r" & \multicolumn{2}{c}{BEIR} &  \\",
        r"\cmidrule(lr){2-3}",
        r"Reranker & a & b & c \\",
        r"\midrule",
    ]


FAMILIES = [{"title": "A", "models": ["a1", "a2"]}, {"title": "B", "models": ["b1"]}]


def test_a_family_column_stands_for_group_rows_and_is_told_once() -> None:
    records = [make_record(name) for name in ("a1", "a2", "b1")]
    columns = ({"kind": "family"}, MODEL, NDCG)
    table = _table(records, *columns, families=FAMILIES, order="listed", notes="none")
    assert {row.group for row in table.rows} == {""}
    cells = [line.split("|")[1].strip() for line in markdown.render([table]).splitlines()]
    assert cells[2:] == ["A", "", "B"]
    # Raw data names the family in every row.
    assert [line.split(",")[0] for line in csv.render([table]).splitlines()[1:]] == ["A", "A", "B"]
    body = latex.render([table]).partition("\\midrule\n")[2]
    assert body.splitlines()[:4] == [
        r"A & a1 & 0.500 \\",
        r" & a2 & 0.500 \\",
        r"\midrule",
        r"B & b1 & 0.500 \\",
    ]


def test_the_best_of_a_block_or_table_is_judged_by_what_is_printed() -> None:
    values = {"a1": 0.5001, "a2": 0.4999, "b1": 0.9}
    records = [make_record(name, {"nDCG@10": value}) for name, value in values.items()]
    block = _table(records, MODEL, {**NDCG, "best": "block"}, families=FAMILIES, order="listed")
    assert _texts(block)[0][1] == _texts(block)[1][1] == "0.500"
    # One alone is the best of nothing.
    assert _strong(block) == [[False, True], [False, True], [False, False]]
    table = _table(records, MODEL, {**NDCG, "best": "table"}, families=FAMILIES, order="listed")
    assert _strong(table) == [[False, False], [False, False], [False, True]]
    finer = {**NDCG, "best": "block", "decimals": 4}
    assert _strong(_table(records, MODEL, finer, families=FAMILIES, order="listed"))[:2] == [
        [False, True],
        [False, False],
    ]


def test_the_lowest_time_is_best_and_no_baseline_is() -> None:
    records = [
        make_record("slow", requests_s=[0.2]),
        make_record("fast", requests_s=[0.1]),
        make_record("oracle", {"nDCG@10": 1.0}, family="baseline", requests_s=[0.001]),
    ]
    latency = {"kind": "latency", "best": "table"}
    table = _table(records, MODEL, {**NDCG, "best": "table"}, latency, order="name")
    assert _strong(table) == [[False, True, True], [False] * 3, [False, True, False]]


def test_what_has_no_better_has_no_best() -> None:
    assert "no figure of this kind is better than another" in _problem({**MODEL, "best": "table"})


def test_a_scale_of_100_holds_for_metrics_gains_and_averages() -> None:
    records = [make_record("m", {"nDCG@10": 0.51234}), first_stage_record(0.4)]
    columns = [
        {**NDCG, "scale": 100, "decimals": 2},
        {"kind": "delta", "collection": "scifact", "scale": 100, "decimals": 1},
        {"kind": "average", "scale": 100, "decimals": 1},
    ]
    assert _texts(_table(records, MODEL, *columns))[0] == ["m", "51.23", "+11.2", "51.2"]
    assert "scale" in _problem({**NDCG, "scale": 10})


def test_an_average_can_name_its_columns_by_their_heads_and_needs_them_all() -> None:
    records = [
        make_record("m", {"MRR@10": 0.9}, collection="msmarco"),
        make_record("m", {"nDCG@10": 0.25}, collection="nq"),
        make_record("m", {"nDCG@10": 0.75}, collection="fiqa"),
    ]
    columns: list[Mapping[str, object]] = [
        {"kind": "metric", "collection": "msmarco", "metric": "MRR@10"},
        {"kind": "metric", "collection": "nq", "above": "BEIR"},
        {"kind": "metric", "collection": "fiqa", "above": "BEIR", "header": "FiQA"},
    ]
    over_group = {"kind": "average", "over": "BEIR"}
    over_two = {"kind": "average", "over": ["msmarco", "FiQA"]}
    table = _table(records, *columns, over_group, over_two, {"kind": "average"})
    assert _texts(table) == [["0.900", "0.250", "0.750", "0.500", "0.825", "0.633"]]
    assert [column.text for column in table.columns[3:]] == [
        "Average of 2",
        "Average of 2",
        "Average of 3",
    ]
    missing = _table(records[:2], *columns, over_group, metric="nDCG@10")
    assert _texts(missing) == [["0.900", "0.250", "", ""]]
    problem = _problem(*columns, {"kind": "average", "over": "BIER"})
    assert "over: no metric column has the head 'BIER'; did you mean 'BEIR'?" in problem


def test_members_are_averaged_before_rounding_and_may_have_other_names() -> None:
    records = [
        make_record("m", {"nDCG@10": 0.1234}, collection="nq"),
        make_record("m", {"nDCG@10": 0.1239}, collection="fiqa-2018"),
    ]
    column = {"kind": "metric", "members": ["nq", ["fiqa", "fiqa-2018"]]}
    table = _table(records, column)
    assert _texts(table) == [["0.124"]]
    assert table.columns[0].text == "nq, fiqa"
    assert _texts(_table(records[:1], column, drop_empty=False)) == [[""]]


def _run_file(name: str, collection: str) -> Record:
    return make_record(
        "m", collection=collection, first_stage="run", first_stage_parameters={"file": name}
    )


@pytest.mark.parametrize(
    ("file", "collection", "called"),
    [
        ("unicoil-scifact.trec.gz", "scifact", "unicoil"),
        ("scifact.unicoil.run", "scifact", "unicoil"),
        ("SPLADE_trec_covid.txt", "trec-covid", "SPLADE"),
        ("unicoil.trec", "scifact", "unicoil"),
        ("scifact.trec", "scifact", "scifact"),
        ("dpr-nq.trec", "nq", "dpr"),
        ("colbert-v2.0.trec", "nq", "colbert-v2.0"),
    ],
)
def test_a_run_file_is_called_by_its_name_without_the_collections(
    file: str, collection: str, called: str
) -> None:
    record = _run_file(file, collection)
    assert derived.first_stage(record) == called
    stem = file.partition(".trec")[0].partition(".run")[0].partition(".txt")[0]
    for name in (called.upper(), stem, "run"):
        assert derived.is_first_stage_called(record, [name])
    assert not derived.is_first_stage_called(record, ["bm25"])


def test_a_layout_finds_a_first_stage_by_the_run_files_name() -> None:
    records = [_run_file("unicoil-scifact.trec", "scifact"), make_record("other")]
    assert _texts(_table(records, MODEL, NDCG, first_stage="uniCOIL")) == [["m", "0.500"]]


def test_columns_can_be_of_first_stages() -> None:
    records = [
        make_record("m", {"nDCG@10": 0.4}),
        make_record("m", {"nDCG@10": 0.6}, first_stage="dense"),
        make_record("m", {"nDCG@10": 0.7}, first_stage="other"),
    ]
    dense = {**NDCG, "first_stage": ["colbert", "Dense"], "header": "dense"}
    table = _table(records, MODEL, NDCG, dense, first_stage="bm25", notes="cautions")
    assert _texts(table) == [["m", "0.400", "0.600"]]
    assert table.notes == ()


def test_rows_can_be_first_stages_times_models() -> None:
    records = [
        make_record(model, {"nDCG@10": value}, first_stage=stage)
        for stage, model, value in (
            ("bm25", "weak", 0.3),
            ("bm25", "good", 0.4),
            ("dense", "weak", 0.5),
            ("dense", "good", 0.6),
        )
    ]
    stage = {"kind": "first_stage"}
    table = _table(records, stage, MODEL, {**NDCG, "best": "block"})
    assert _texts(table) == [
        ["bm25", "good", "0.400"],
        ["bm25", "weak", "0.300"],
        ["dense", "good", "0.600"],
        ["dense", "weak", "0.500"],
    ]
    assert [row[2] for row in _strong(table)] == [True, False, True, False]
    # That first stages differ is what such a table is for.
    assert not any("do not compare" in note for note in table.notes)
    listed = [{"title": "Dense", "names": [{"name": "DENSE", "label": "Dense one"}]}]
    table = _table(records, stage, MODEL, NDCG, first_stages=listed)
    assert [(row.group, row.block) for row in table.rows[::2]] == [
        ("Dense", "Dense one"),
        ("Other", "bm25"),
    ]
    alone = _table(records, stage, MODEL, NDCG, first_stages=listed, other=None)
    assert {row.group for row in alone.rows} == {"Dense"}
    assert any("does not list them: bm25." in note for note in alone.notes)


def test_rows_of_first_stages_fit_a_table_for_each_collection() -> None:
    records = [make_record("m", first_stage=stage) for stage in ("bm25", "dense")]
    columns = ({"kind": "first_stage"}, MODEL, {"kind": "metric"})
    assert len(_texts(_table(records, *columns, per_collection=True))) == 2


@pytest.mark.parametrize(
    ("columns", "keys", "problem"),
    [
        ([MODEL, NDCG], {"first_stages": [{"names": ["x"]}]}, "needs a column of the kind"),
        ([{"kind": "family"}, {"kind": "first_stage"}], {}, "rows are grouped by one column only"),
    ],
)
def test_blocks_that_could_not_be_are_mistakes(
    columns: list[Mapping[str, object]], keys: Mapping[str, object], problem: str
) -> None:
    assert problem in _problem(*columns, **keys)


def test_own_models_stand_out_and_names_are_links_where_asked() -> None:
    models = [
        {"name": "mine", "own": True, "link": "https://example.org/mine"},
        {"name": "cross-encoder/ms-marco-MiniLM-L-6-v2"},
        "models/local",
    ]
    records = [make_record(name, parameters=5) for name in ("models/local", "mine")]
    records.append(make_record("cross-encoder/ms-marco-MiniLM-L-6-v2", parameters=5))
    families = [{"title": "", "models": models}]
    columns = ({**MODEL, "links": True}, {"kind": "parameters"}, NDCG)
    table = _table(records, *columns, families=families, order="listed")
    assert [row.entries[0].url for row in table.rows] == [
        "https://example.org/mine",
        # The page of the checkpoint that goes by this name today.
        "https://huggingface.co/cross-encoder/ms-marco-MiniLM-L6-v2",
        "",
    ]
    assert _strong(table) == [[True] * 3, [False] * 3, [False] * 3]
    unasked = _table(records, MODEL, NDCG, families=families)
    assert {row.entries[0].url for row in unasked.rows} == {""}


def test_what_is_no_model_can_have_a_sign_for_its_size() -> None:
    records = [make_record("m", parameters=None), first_stage_record(0.3)]
    sizes = {"kind": "parameters", "baseline": "-"}
    assert [row[1] for row in _texts(_table(records, MODEL, sizes, NDCG, order="name"))] == [
        "-",
        "",
    ]


def test_seconds_per_query_are_the_mean_request_and_over_collections_the_median() -> None:
    records = [
        make_record("m", collection=name, requests_s=seconds)
        for name, seconds in (("a", [1.0, 2.0]), ("b", [4.0]), ("c", [9.0]))
    ]
    column = {"kind": "metric", "every_collection": True}
    table = _table(records, MODEL, {"kind": "seconds_per_query"}, column)
    assert _texts(table)[0][1] == "4.00s"
    (plain,) = build(
        records[:1], _layout({"kind": "seconds_per_query"}, NDCG | {"collection": "a"})
    )
    assert _texts(plain)[0][0] == "1.50s"


def test_gains_with_added_positives_are_over_the_first_stage_with_them() -> None:
    records = [
        make_record("m", {"nDCG@10": 0.5}),
        make_record("m", {"nDCG@10": 0.9}, adds_positives=True),
        first_stage_record(0.3),
        make_record("bm25", {"nDCG@10": 0.4}, family="baseline", dtype=None, adds_positives=True),
    ]
    delta: Mapping[str, object] = {"kind": "delta", "collection": "scifact"}
    table = _table(records, MODEL, delta, {**delta, "adds_positives": True}, order="name")
    assert _texts(table) == [["bm25", "", ""], ["m", "+0.200", "+0.500"]]


def test_speeds_and_sizes_are_of_the_records_without_added_positives() -> None:
    records = [
        make_record("m", docs_per_s=100, parameters=5, started_at="2026-01-01T00:00:00+00:00"),
        make_record(
            "m",
            docs_per_s=900,
            parameters=7,
            adds_positives=True,
            started_at="2026-02-01T00:00:00+00:00",
        ),
    ]
    speed, size = {"kind": "docs_per_s"}, {"kind": "parameters"}
    assert _texts(_table(records, speed, size, NDCG, {**NDCG, **ADDED})) == [
        ["100", "5", "0.500", "0.500"]
    ]


def test_the_family_of_an_own_model_does_not_stand_out() -> None:
    families = [{"title": "A", "models": [{"name": "mine", "own": True}, "other"]}]
    records = [make_record("mine"), make_record("other")]
    table = _table(records, {"kind": "family"}, MODEL, NDCG, families=families, order="listed")
    assert _strong(table) == [[False, True, True], [False] * 3]


def test_blocks_of_one_name_under_two_groups_are_two() -> None:
    rows = [
        Row(entries=(Entry(value=value, form="fixed", decimals=1),), group=group, block="same")
        for group, value in (("A", 0.1), ("A", 0.2), ("B", 0.3), ("B", 0.4))
    ]
    heads = [Header(text="x", better="higher")]
    found = stand_out(rows, heads, ["block"], own=[False] * 4)
    assert [row.entries[0].strong for row in found] == [False, True, False, True]
