"""Entries print what they hold, on one line, and a blank where they hold nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.leaderboard.table import Entry, Header, Row, Table, Value, printable
from rerankbench.results.numbers import Form


@pytest.mark.parametrize(
    ("value", "form", "decimals", "text"),
    [
        (None, "fixed", 3, ""),
        (None, "magnitude", 0, ""),
        (0.0, "fixed", 3, "0.000"),
        (0, "rate", 0, "0"),
        (0.66951, "fixed", 3, "0.670"),
        (0.0123, "signed", 3, "+0.012"),
        (-0.0123, "signed", 3, "-0.012"),
        (-0.0001, "signed", 3, "+0.000"),
        (0.0, "signed", 3, "+0.000"),
        (4100.4, "rate", 0, "4100"),
        (0.436, "rate", 0, "0.44"),
        (9.96, "rate", 0, "10"),
        (22_713_216, "magnitude", 0, "22.7M"),
        (4_386_178, "magnitude", 0, "4.39M"),
        (109_482_240, "magnitude", 0, "109M"),
        (999_960_000, "magnitude", 0, "1.00B"),
        (999_499_000, "magnitude", 0, "999M"),
        (9_999_000, "magnitude", 0, "10.0M"),
        (7_600_000_000, "magnitude", 0, "7.60B"),
        (137, "magnitude", 0, "137"),
        ("a model", "text", 0, "a model"),
    ],
)
def test_text(value: Value, form: Form, decimals: int, text: str) -> None:
    assert Entry(value=value, form=form, decimals=decimals).text == text


def test_control_characters_never_reach_a_terminal() -> None:
    assert printable("a\x1b[31mb\x9bc\u202ed\x00") == "a\ufffd[31mb\ufffdc\ufffdd\ufffd"
    assert printable("  two\r\n lines\t") == "two lines"


@given(st.text())
def test_printed_text_is_one_printable_line(text: str) -> None:
    found = printable(text)
    assert found.isprintable()
    assert printable(found) == found


def test_sections_follow_the_rows() -> None:
    rows = tuple(Row(entries=(), group=group) for group in ("a", "a", "", "b"))
    table = Table(title="", columns=(Header(text="x"),), rows=rows)
    assert [(group, len(found)) for group, found in table.sections()] == [
        ("a", 2),
        ("", 1),
        ("b", 1),
    ]
