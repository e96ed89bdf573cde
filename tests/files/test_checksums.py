"""Checksums in lines of JSON: what was sealed comes back, nothing else does."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.files.checksums import ChecksumError, seal, unseal

VALUES = st.dictionaries(
    st.text(max_size=5), st.none() | st.integers() | st.text(max_size=5), min_size=1, max_size=4
)


@given(value=VALUES, about=st.text(st.characters(codec="utf-8"), max_size=5))
def test_what_was_sealed_comes_back_and_only_where_it_belongs(
    value: dict[str, object], about: str
) -> None:
    line = seal(value, about)
    assert "\n" not in line
    assert unseal(line, about) == value
    with pytest.raises(ChecksumError):
        unseal(line, about + "x")


def test_a_sealed_line_is_json_whose_last_entry_is_blake2b_of_what_was_said() -> None:
    line = seal({"a": [1, 2.5]}, "mine")
    expected = hashlib.blake2b(b'mine\n{"a":[1,2.5]}', digest_size=16).hexdigest()
    assert json.loads(line) == {"a": [1, 2.5], "blake2b": expected}


@pytest.mark.parametrize("line", ["", "{}", "null", '{"a":1}', '{"a":1,"blake2b":"0"}', "\ud800"])
def test_what_was_never_sealed_is_refused(line: str) -> None:
    with pytest.raises(ChecksumError, match="no checksum at its end"):
        unseal(line)


@given(value=VALUES, data=st.data())
def test_a_changed_character_is_noticed(value: dict[str, object], data: st.DataObject) -> None:
    line = seal(value)
    place = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.characters().filter(lambda c: c != line[place]))
    with pytest.raises(ChecksumError):
        unseal(line[:place] + other + line[place + 1 :])


def test_nothing_cannot_be_sealed() -> None:
    with pytest.raises(ValueError, match="nothing to seal"):
        seal({})
