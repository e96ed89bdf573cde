from __future__ import annotations

import pytest

from rerankbench.errors import UsageError
from rerankbench.firststage.arguments import Arguments
from rerankbench.types import Json


@pytest.mark.parametrize("value", ["0.5", 0.5, "5e-1"])
def test_numbers_come_as_text_or_as_numbers(value: Json) -> None:
    given = Arguments("bm25", {"b": value}, ("b",))
    assert given.number("b", 0.4) == 0.5
    given.check()


@pytest.mark.parametrize("value", ["much", "", None, True, "nan", "inf", -0.1, 1.5, [1]])
def test_what_is_no_number_in_range_is_refused(value: Json) -> None:
    given = Arguments("bm25", {"b": value}, ("b",))
    given.number("b", 0.4, high=1.0)
    with pytest.raises(UsageError, match=r"first stage 'bm25' b is a number from 0 to 1, not"):
        given.check()


def test_all_mistakes_are_told_at_once() -> None:
    given = Arguments("bm25", {"field": 1, "fields": "flt", "k1": -1}, ("k1", "fields", "path"))
    given.number("k1", 0.9)
    given.choice("fields", "flat", ("flat", "multifield"))
    given.text("path")
    with pytest.raises(UsageError) as caught:
        given.check()
    assert str(caught.value) == (
        "first stage 'bm25' has no argument 'field', did you mean 'fields'?; "
        "k1 is a number of at least 0, not '-1'; "
        "fields cannot be 'flt', did you mean 'flat'?; needs path"
    )


def test_defaults_hold_where_nothing_is_given() -> None:
    given = Arguments("bm25", {}, ("k1", "fields"))
    assert given.number("k1", 0.9) == 0.9
    assert given.choice("fields", "flat", ("flat",)) == "flat"
    given.check()
