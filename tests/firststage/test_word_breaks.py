from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.firststage.word_breaks import LONGEST, words

# What Lucene's StandardTokenizer (and then LowerCaseFilter) makes of each text, by UAX #29.
FACTS = {
    "": [],
    " \t\n.,;": [],
    "Plain English words": ["plain", "english", "words"],
    "wi-fi and/or AT&T e@mail": ["wi", "fi", "and", "or", "at", "t", "e", "mail"],
    "don't O'Reilly's 'quoted' rock'n'roll": ["don't", "o'reilly's", "quoted", "rock'n'roll"],
    "U.S.A. example.com ... end.": ["u.s.a", "example.com", "end"],
    "3.14 1,000,000 1;2 1'000 2.": ["3.14", "1,000,000", "1;2", "1'000", "2"],
    "1:2 a,b a;b": ["1", "2", "a", "b", "a", "b"],
    "a:b std::move": ["a:b", "std", "move"],
    "v2.0 x1.y2 il-6 p53": ["v2.0", "x1", "y2", "il", "6", "p53"],
    "foo.5 5.foo": ["foo", "5", "5", "foo"],
    "snake_case __init__ a_.b": ["snake_case", "__init__", "a_", "b"],
    "naïve café’s TNF-α μm": ["naïve", "café’s", "tnf", "α", "μm"],
    "10² ½ 5°C ±3 x–y": ["10", "5", "c", "3", "x", "y"],
    "東京タワー": ["東", "京", "タワー"],
    "ひらがな": ["ひ", "ら", "が", "な"],
    "한국어 텍스트": ["한국어", "텍스트"],
    "ภาษาไทย": ["ภาษาไทย"],
    "co\u00adoperate zero\u200bwidth": ["co\u00adoperate", "zero", "width"],
    "e\u0301te\u0301": ["e\u0301te\u0301"],
    "١٢٣ Привет, мир!": ["١٢٣", "привет", "мир"],
    "Gateway® foo™bar": ["gateway", "®", "foo", "™", "bar"],
    "👩\u200d🔬 👍🏽👍 🇩🇪🇫🇷": ["👩\u200d🔬", "👍🏽", "👍", "🇩🇪", "🇫🇷"],
    "İstanbul ΣΟΦΟΣ": ["istanbul", "σοφοσ"],
}


@pytest.mark.parametrize("text", FACTS)
def test_words_are_those_of_lucene(text: str) -> None:
    assert words(text) == FACTS[text]


@given(st.text(alphabet="ab19_.,:;'- \n", max_size=40))
def test_ascii_and_any_script_agree(text: str) -> None:
    # Alpha glued to every word sends it the slow way; it is a letter, as the a it stands for.
    greek = words(text.replace("a", "α"))
    assert [word.replace("α", "a") for word in greek] == words(text)


@given(st.text(max_size=60))
def test_words_come_from_the_text_and_are_lower_case(text: str) -> None:
    lowered = text.replace("İ", "i").replace("Σ", "σ").lower()
    place = 0
    for word in words(text):
        place = lowered.index(word, place) + len(word)


@pytest.mark.parametrize("letter", ["a", "é"])
def test_long_words_are_cut_at_255_characters(letter: str) -> None:
    assert [len(word) for word in words(letter * 600)] == [LONGEST, LONGEST, 90]


def test_a_mark_at_the_cut_of_a_long_word_is_dropped() -> None:
    assert words("a" * 254 + "." + "b" * 10) == ["a" * 254, "b" * 10]


@pytest.mark.parametrize("unit", ["_", "a.", "a_", "1,", ".", "a:"])
@pytest.mark.parametrize("start", ["", "é"])
def test_hostile_texts_take_linear_time(start: str, unit: str) -> None:
    words("é")  # the pattern for all scripts is compiled once
    started = time.perf_counter()
    words(start + unit * 100_000)
    assert time.perf_counter() - started < 5
