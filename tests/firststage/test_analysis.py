from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rerankbench.firststage.analysis import STOP_WORDS, LuceneEnglish

from . import porter_reference

ANALYZER = LuceneEnglish()

_ENDINGS = (
    *("ational", "tional", "enci", "anci", "izer", "bli", "alli", "entli", "eli"),
    *("ousli", "ization", "ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti"),
    *("iviti", "biliti", "logi", "icate", "ative", "alize", "iciti", "ical", "ful"),
    *("ness", "al", "ance", "ence", "er", "ic", "able", "ible", "ant"),
    *("ement", "ment", "ent", "ion", "ou", "ism", "ate", "iti", "ous"),
    *("ive", "ize", "ed", "ing", "s", "es", "ies", "y", "e"),
    *("ll", "eed", "bly", "logy", "ly", "sses", "at", "bl", "iz"),
    *("ti", "li", "i", "kked", "xxing", "vved"),
)


def test_stop_words_are_lucenes_33() -> None:
    assert len(STOP_WORDS) == 33
    assert {"such", "into", "will"} <= STOP_WORDS
    assert not {"from", "has", "have", "he", "which", "i", "we"} & STOP_WORDS


def test_text_is_tokenised_lowered_stopped_and_stemmed() -> None:
    text = "The Generalizations of U.S.A. 1,000 RUNNING dogs"
    assert ANALYZER.terms(text) == ["gener", "u.s.a", "1,000", "run", "dog"]


@pytest.mark.parametrize("apostrophe", ["'", "\u2019", "\uff07"])
@pytest.mark.parametrize("s", ["s", "S"])
def test_possessives_lose_their_ending(apostrophe: str, s: str) -> None:
    assert ANALYZER.terms(f"Reilly{apostrophe}{s} dogs{apostrophe}") == ["reilli", "dog"]


def test_possessives_are_cut_before_stop_words_are_dropped() -> None:
    assert ANALYZER.terms("it's that's who's") == ["who"]


def test_other_contractions_stay() -> None:
    assert ANALYZER.terms("don't we'll") == ["don't", "we'll"]


def test_words_of_one_letter_stay() -> None:
    assert ANALYZER.terms("Vitamin C or R") == ["vitamin", "c", "r"]


def test_underscores_alone_are_no_term() -> None:
    assert ANALYZER.terms("a ____ b _ __c") == ["b", "__c"]


# By Lucene's PorterStemmer; comments hold what Snowball's `porter` says.
STEMS = {
    "caresses": "caress",
    "ponies": "poni",
    "relational": "relat",
    "hopping": "hop",
    "agreed": "agre",
    "us": "us",  # u
    "ms": "ms",  # m
    "possibly": "possibl",  # possibli
    "assembly": "assembl",  # assembli
    "doubly": "doubli",
    "probably": "probabl",
    "technology": "technolog",  # technologi
    "technologies": "technolog",  # technologi
    "biology": "biologi",
    "trekking": "trek",  # trekk
    "revved": "rev",  # revv
    "falling": "fall",
    "naïvely": "naïv",
    "α": "α",
}


@pytest.mark.parametrize("word", STEMS)
def test_stems_are_those_of_lucene(word: str) -> None:
    assert porter_reference.stem(word) == STEMS[word]
    assert ANALYZER.term(word) == STEMS[word]


@settings(max_examples=2000)
@given(
    st.text(alphabet="aeiouybcdglmnstxk9", max_size=5),
    st.lists(st.sampled_from(_ENDINGS), max_size=3),
)
def test_stems_agree_with_the_published_rules(start: str, endings: list[str]) -> None:
    word = start + "".join(endings)
    if word and word not in STOP_WORDS and "yy" not in word:
        assert ANALYZER.term(word) == porter_reference.stem(word)
