"""Names of exported files."""

from __future__ import annotations

import random
import re
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.interchange.names import distinct_stems, file_part, ir_measures_name, mteb_name
from rerankbench.registry import naming


@given(st.text())
def test_a_part_of_a_name_is_a_plain_file_name(text: str) -> None:
    part = file_part(text)
    assert 1 <= len(part) <= 120
    assert part[0] not in ".-"
    assert not set(part) & set("/\\\0 \n\t:*?\"'<>|&;$`~")
    assert file_part(part) == part


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.text("0123456789abcdef", min_size=16)), max_size=6
    )
)
def test_names_depend_on_what_is_there_and_not_on_its_order(found: list[tuple[str, str]]) -> None:
    names = distinct_stems(found)
    shuffled = random.Random(0).sample(found, len(found))
    assert distinct_stems(shuffled) == names
    assert set(names) == set(found)
    for (stem, identity), name in names.items():
        alone = {other for other_stem, other in found if other_stem == stem} == {identity}
        assert name == (stem if alone else f"{stem}.{identity[:8]}")


@pytest.mark.parametrize(
    "metric",
    [
        *("nDCG@10", "nDCG", "MAP", "MAP@100", "MRR@10", "Recall@5", "P@1"),
        *("MAP(rel=2)", "MAP(rel=2)@100", "MRR(rel=2)@10", "Recall(rel=3)@5", "P(rel=2)@1"),
    ],
)
def test_ir_measures_knows_its_names_and_we_know_them_too(metric: str) -> None:
    name = ir_measures_name(metric)
    assert name is not None
    assert str(ir_measures.parse_measure(name)) == name
    assert naming.parse_metric(name).name == metric


def test_every_name_of_the_pages_table_means_what_its_row_says() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "interoperability.md").read_text()
    table = page.partition("## Names of metrics")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    for ours, *others, mteb in rows:
        (name,) = re.findall("`(.+?)`", ours)
        for other in re.findall("`(.+?)`", " ".join(others)):
            assert naming.parse_metric(other).name == name
        whole = name in ("MAP", "MRR")
        shown = re.findall("`(.+?)`", mteb)
        there = None if whole else mteb_name(name, 100)
        assert shown == ([] if there is None else [there])
    assert len(rows) >= 8


def test_other_metrics_have_no_names_elsewhere() -> None:
    assert ir_measures_name("Surprise@10") is None
    assert mteb_name("Surprise@10", 100) is None
    assert mteb_name("nDCG", 100) is None
    assert mteb_name("MAP(rel=2)", 100) is None
    assert mteb_name("Recall(rel=2)@10", 100) is None
