"""Cards of labels and values: counts, shares, headlines."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.audit.findings import Finding
from rerankbench.audit.review import review

_CARD = """Some Reranker

Leaderboard Rank
#2
of 3
Accuracy (nDCG@10)
0.450
#1

Total Evaluations
200

Wins90 (45.0%)
Losses100 (50.0%)
Ties10 (5.0%)

Detailed Metrics

One

ELO 98745.0% WR45W-50L-5T

Accuracy Metrics

nDCG@10
0.500
Recall@10
0.600

Latency Distribution

Mean
100ms
P50 (Median)
90ms
P90
150ms

Two

ELO 101345.0% WR45W-50L-5T

Accuracy Metrics

nDCG@10
0.400
Recall@10
0.500

Latency Distribution

Mean
110ms
P50 (Median)
90ms
P90
160ms
"""


def _found(folder: Path, text: str) -> list[Finding]:
    path = folder / "card.txt"
    path.write_text(text, encoding="utf-8")
    return list(review([path]).findings)


def test_a_sound_card_gives_no_finding(tmp_path: Path) -> None:
    assert _found(tmp_path, _CARD) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("0.450", "0.480", [("average", "overview", "0.450")]),
        ("0.400", "0.000", [("average", "overview", "0.250"), ("zero", "Two", "")]),
        ("#1", "#4", [("order", "overview", "")]),
        ("\n200\n", "\n201\n", [("counts", "overview", "200")]),
        ("90 (45.0%)", "90 (46.0%)", [("counts", "overview", "45.0%")]),
        ("(5.0%)", "(4.0%)", [("counts", "overview", "5.0%")]),
        ("101345.0%", "101346.0%", [("counts", "Two", "45.0%")]),
        ("110ms", "170ms", [("latency", "Two", "")]),
        ("150ms", "80ms", [("latency", "One", ""), ("latency", "One", "")]),
    ],
)
def test_a_fault_of_a_card_is_found(
    old: str, new: str, expected: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    assert old in _CARD
    found = _found(tmp_path, _CARD.replace(old, new, 1))
    assert sorted((one.check, one.row, one.expected) for one in found) == expected


def test_wins_that_are_not_those_of_the_collections_are_found(tmp_path: Path) -> None:
    text = _CARD.replace("Wins90 (45.0%)", "Wins91 (45.5%)").replace("\n200\n", "\n201\n")
    found = _found(tmp_path, text)
    assert ("counts", "Wins", "90") in [(one.check, one.column, one.expected) for one in found]


def test_a_headline_over_zeros_says_what_the_others_give(tmp_path: Path) -> None:
    text = _CARD.replace("0.400", "0.000").replace("0.450", "0.250")
    headline = next(one for one in _found(tmp_path, text) if one.check == "average")
    assert (headline.severity, headline.printed, headline.expected) == (
        "warning",
        "0.250",
        "0.500",
    )
    assert "mean over 2 collections with 1 zeros among them; without those it is 0.500" in (
        headline.message
    )


def test_a_headline_may_leave_the_zeros_out(tmp_path: Path) -> None:
    text = _CARD.replace("0.400", "0.000").replace("0.450", "0.500")
    assert [one.check for one in _found(tmp_path, text)] == ["zero"]
