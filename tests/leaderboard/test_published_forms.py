"""The published leaderboards, regenerated from records: against golden files and the originals."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from rerankbench.leaderboard.layout_file import load_layout
from rerankbench.leaderboard.renderers import markdown

from . import published
from .records import build, first_stage_record, make_record

GOLDEN = Path(__file__).parent / "golden"
FORMS = {
    "beir-full": (published.FULL, "000*.txt"),
    "beir-older": (published.OLDER, "001*.txt"),
}


def _rendered(layout: str) -> str:
    records = published.records(FORMS[layout][0])
    return markdown.render(build(records, load_layout(layout)))


def _unpadded(text: str) -> str:
    """The same text with every run of spaces and dashes inside cells at its shortest."""
    return "\n".join(
        re.sub(r"-+", "-", _cells(line)) if set(line) <= set("|:- ") else _cells(line)
        for line in text.rstrip("\n").split("\n")
    )


def _cells(line: str) -> str:
    if not line.startswith("|"):
        return line
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return "|".join(" ".join(cell.split()) for cell in cells)


@pytest.mark.parametrize("layout", FORMS)
def test_the_form_is_as_in_the_golden_file(layout: str) -> None:
    assert _rendered(layout) == (GOLDEN / f"{layout}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("layout", FORMS)
def test_the_form_is_as_published(layout: str, shared: Path) -> None:
    originals = sorted((shared / "seeds").glob(FORMS[layout][1]))
    if not originals:
        pytest.skip("the published page is not here")
    assert _unpadded(_rendered(layout)) == _unpadded(originals[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("layout", FORMS)
def test_the_order_of_the_records_does_not_matter(layout: str) -> None:
    records = published.records(FORMS[layout][0])
    random.Random(3).shuffle(records)
    assert markdown.render(build(records, load_layout(layout))) == _rendered(layout)


def test_other_models_stand_in_a_group_of_their_own() -> None:
    extra = [make_record("new/model", collection="fiqa"), first_stage_record(0.3)]
    records = published.records(published.FULL) + extra
    lines = markdown.render(build(records, load_layout("beir-full"))).splitlines()
    other = next(at for at, line in enumerate(lines) if line.startswith("| **Other**"))
    assert [line.split("|")[1].strip() for line in lines[other : other + 3]] == [
        "**Other**",
        "*bm25*",
        "new/model",
    ]


def test_records_of_another_depth_or_first_stage_do_not_enter_the_form() -> None:
    records = published.records(published.FULL)
    strays = [
        make_record("new/model", collection="fiqa", depth=50),
        make_record("new/model", collection="fiqa", first_stage="run"),
        make_record("new/model", collection="demo"),
    ]
    assert markdown.render(build(records + strays, load_layout("beir-full"))) == _rendered(
        "beir-full"
    )


def test_a_renamed_checkpoint_stands_in_its_old_row() -> None:
    record = make_record(
        "cross-encoder/ms-marco-MiniLM-L6-v2", {"nDCG@10": 0.4}, collection="trec_covid"
    )
    (table, _) = build([record], load_layout("beir-older"))
    assert table.rows[0].entries[0].text == "cross-encoder/ms-marco-MiniLM-L-6-v2"
    assert table.rows[0].entries[3].text == "0.400"
