"""The table of figures, and the pages that show it.

`python -m tests.results.test_figures` writes the tables in the pages anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest

from rerankbench.results.figures import FIGURES, flat, summary
from tests.leaderboard.records import make_record

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES: dict[str, Literal["json", "frame"]] = {"interface.md": "json", "python.md": "frame"}
# The row behind the figures: metrics are columns of a frame, under their own names.
_RULE, _METRICS = "|---|---|---|\n", "| `nDCG@10`, … |"


def _rows(form: Literal["json", "frame"]) -> str:
    rows = ""
    for figure in FIGURES:
        if figure.only in (None, form):
            name = ".".join(figure.within) if figure.within and form == "json" else figure.name
            rows += f"| `{name}` | {figure.unit} | {figure.meaning} |\n"
    return rows


def _with_rows(text: str, page: str) -> str:
    """The page with one row a figure, in the order of the table."""
    start = text.index(_RULE) + len(_RULE)
    end = text.index("\n\n", start) + 1
    if PAGES[page] == "frame":
        end = text.index(_METRICS)
    return text[:start] + _rows(PAGES[page]) + text[end:]


@pytest.mark.parametrize("page", PAGES)
def test_pages_show_every_figure_with_its_unit_and_meaning(page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    assert _with_rows(text, page) == text


def test_names_are_unlike_and_a_row_holds_what_json_holds() -> None:
    record = make_record(docs_per_s=20, requests_s=[0.5, 0.25], parameters=7)
    row, json = flat(record), summary(record)
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert json["latency_ms"] == {"p50": 250, "p90": 500, "p95": 500, "p99": 500}
    assert row["latency_p90_ms"] == 500
    assert json["metrics"] == {"nDCG@10": 0.5}
    assert json.keys() - row.keys() == {"candidates", "latency_ms", "metrics"}
    assert {name: row[name] for name in row if name in json} == {
        name: json[name] for name in row if name in json
    }


def test_units_are_in_names_or_beside_them() -> None:
    numbers = [figure for figure in FIGURES if re.search(r"_(ms|s)$|^usd_", figure.name)]
    assert len(numbers) == 6
    assert all(figure.unit for figure in numbers)


if __name__ == "__main__":
    for page in PAGES:
        path = DOCS / page
        path.write_text(_with_rows(path.read_text(encoding="utf-8"), page), encoding="utf-8")
