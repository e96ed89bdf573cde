from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError

from rerankbench.errors import UsageError
from rerankbench.firststage.arguments import Arguments, Number, Text, read


class Example(Arguments):
    k1: Number = 0.9
    b: Number = Field(0.4, le=1)
    fields: Literal["flat", "multifield"] = "flat"
    path: Text = "p"


class WithPath(Example):
    path: Text


@pytest.mark.parametrize("value", ["0.5", 0.5, "5e-1"])
def test_numbers_come_as_text_or_as_numbers(value: Any) -> None:
    assert read("bm25", {"b": value}, Example).b == 0.5


def test_whole_numbers_are_numbers() -> None:
    assert repr(read("bm25", {"k1": 2, "b": "1"}, Example).k1) == "2.0"


@pytest.mark.parametrize("value", ["much", "", None, True, False, "nan", "inf", -0.1, 1.5, [1]])
def test_what_is_no_number_in_range_is_refused(value: Any) -> None:
    with pytest.raises(UsageError, match=r"first stage 'bm25': '?b'?(:| must be)"):
        read("bm25", {"b": value}, Example)


@pytest.mark.parametrize("value", ["", None, 3, ["p"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(
        UsageError,
        match=r"^first stage 'bm25': 'path'( must be a valid string|: string should have)",
    ):
        read("bm25", {"path": value}, Example)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        read("bm25", {"field": "x", "fields": "flt", "k1": -1}, WithPath)
    assert sorted(str(caught.value).splitlines()) == [
        "first stage 'bm25': 'fields' must be one of flat, multifield (given: 'flt')",
        "first stage 'bm25': 'k1' must be greater than or equal to 0 (given: -1)",
        "first stage 'bm25': 'path' is missing; add it",
        "first stage 'bm25': unknown key 'field'; did you mean 'fields'?",
    ]


def test_defaults_hold_where_nothing_is_given() -> None:
    found = read("bm25", {}, Example)
    assert (found.k1, found.b, found.fields) == (0.9, 0.4, "flat")
    with pytest.raises(ValidationError, match="frozen"):
        found.k1 = 1.0  # type: ignore[misc]
