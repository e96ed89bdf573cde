"""The public functions of the package: `load_results` and `load_per_query`."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import rerankbench
from rerankbench.errors import InputError
from rerankbench.results import grouping
from rerankbench.results.store import Store, read_records

from ..leaderboard.records import make_record

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Three records: timed, untimed with another metric, and on another collection."""
    made = [
        make_record(
            "b",
            {"nDCG@10": [0.5, 1.0], "MAP": [0.25, 0.5]},
            docs_per_s=120.0,
            requests_s=[0.1, 0.2, 0.3],
            parameters=22_000_000,
            warnings=["one thing", "another"],
        ),
        make_record("a", {"nDCG@10": [0.0, 0.5], "P@1": [1.0, 0.0]}),
        make_record("a", {"nDCG@10": [0.75]}, collection="nfcorpus", sampled_queries=1),
    ]
    store = Store(results=tmp_path / "results", suite="default")
    for number, record in enumerate(made):
        store.write_record(replace(record, quality_key=f"{number}"))
    return store.results


def test_a_row_per_record_in_the_order_of_json(results: Path) -> None:
    frame = rerankbench.load_results(results)
    records = grouping.in_order(read_records([results]))
    assert frame["reranker"].tolist() == [each.cell.reranker.name for each in records]
    assert frame["collection"].tolist() == ["nfcorpus", "scifact", "scifact"]
    assert frame["nDCG@10"].tolist() == [0.75, 0.25, 0.75]
    assert frame["queries"].tolist() == [1, 2, 2]
    timed = frame[frame["reranker"] == "b"].iloc[0]
    assert timed["docs_per_s"] == 120.0
    assert timed["latency_p50_ms"] == pytest.approx(200.0)
    assert timed["latency_p99_ms"] == pytest.approx(300.0)
    assert timed["parameters"] == 22_000_000
    assert timed["warnings"] == ("one thing", "another")


def test_what_was_not_measured_is_missing_and_never_zero(results: Path) -> None:
    frame = rerankbench.load_results(results)
    untimed = frame[frame["reranker"] == "a"]
    for name in ("docs_per_s", "latency_p90_ms", "usd_per_1000_queries", "parameters", "MAP"):
        assert untimed[name].isna().all(), name
    assert frame["sampled_queries"].isna().tolist() == [False, True, True]
    assert frame["P@1"].isna().tolist() == [True, False, True]
    numbers = ["parameters", "sampled_queries", "docs_per_s", "latency_p50_ms", "MAP", "P@1"]
    assert all(pd.api.types.is_numeric_dtype(frame[name]) for name in numbers)


def test_columns_have_their_types_even_where_nothing_was_measured(tmp_path: Path) -> None:
    store = Store(results=tmp_path, suite="s")
    store.write_record(replace(make_record("a", {}), quality_key="q"))
    frame = rerankbench.load_results(tmp_path)
    types = {name: str(frame[name].dtype) for name in ("parameters", "docs_per_s", "depth")}
    assert types == {"parameters": "Int64", "docs_per_s": "float64", "depth": "int64"}
    assert rerankbench.load_per_query(tmp_path).empty


def test_a_row_per_query_finds_its_record_again(results: Path) -> None:
    long = rerankbench.load_per_query(results)
    assert len(long) == 4 + 4 + 1
    keys = ["quality_key", "speed_key"]
    means = long.groupby([*keys, "metric"])["value"].mean().unstack()
    frame = rerankbench.load_results(results).set_index(keys)
    for name in ("nDCG@10", "MAP", "P@1"):
        pd.testing.assert_series_equal(means[name], frame[name].sort_index())
    one = long[(long["reranker"] == "b") & (long["metric"] == "MAP")]
    assert dict(zip(one["query_id"], one["value"], strict=True)) == {"q0": 0.25, "q1": 0.5}


def test_paths_may_be_text_one_or_several_and_results_is_the_default(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    everything = rerankbench.load_results()
    files = sorted(results.rglob("*.json"))
    for paths in ("results", results, [results], [str(each) for each in files], iter(files)):
        pd.testing.assert_frame_equal(rerankbench.load_results(paths), everything)
    with pytest.raises(InputError, match="no such file or folder"):
        rerankbench.load_results("elsewhere")


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, rerankbench; print(sorted(set(sys.modules) & {'pandas', 'torch', 'numpy'}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout == "[]\n"
    assert set(rerankbench.__all__) <= set(dir(rerankbench))


def test_the_page_names_every_column(results: Path) -> None:
    page = (DOCS / "python.md").read_text()
    frames = (rerankbench.load_results(results), rerankbench.load_per_query(results))
    columns = {name for frame in frames for name in frame.columns} - {"MAP", "P@1"}
    assert [name for name in sorted(columns) if f"`{name}`" not in page] == []


def test_frames_pivot_into_tables(results: Path) -> None:
    pivot = rerankbench.load_results(results).pivot_table(
        "nDCG@10", index="reranker", columns="collection"
    )
    assert pivot.loc["a", "nfcorpus"] == 0.75
