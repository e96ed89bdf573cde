"""Lucene's EnglishAnalyzer, as Anserini uses it by default: text → terms.

StandardTokenizer and LowerCaseFilter (`word_breaks`), EnglishPossessiveFilter, StopFilter with
Lucene's 33 English words, PorterStemFilter. The term of a word depends on that word alone, so
callers with many repeated words cache it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from rerankbench.firststage.word_breaks import words

NAME: Final = "lucene-english"
VERSION = 1
"""Part of every index key and record: raise it whenever any text may give other terms."""

# org.apache.lucene.analysis.en.EnglishAnalyzer.ENGLISH_STOP_WORDS_SET
STOP_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is"),
        *("it", "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there"),
        *("these", "they", "this", "to", "was", "will", "with"),
    )
)
_APOSTROPHES = (
    "'\u2019\uff07"  # What step 1 of the stemmer removes from a word's end or turns into i.
)
# Doubled consonants that step 1 makes single in Lucene, but not in Snowball.
_STEP_1 = re.compile(r"[iy](?:es|s|(?:ed|ing)s?)?")
# Doubled consonants that step 1 makes single in Lucene but not in Snowball.
_DOUBLED = re.compile(r"(.*([^aeiouybdfgmnprtlsz]))\2(?:ed|ing)s?")
_VOWEL = re.compile(r"[aeiou]|(?<=[^aeiou])y")


class LuceneEnglish:
    """The analyser. Its stemmer must not be shared between threads."""

    def __init__(self) -> None:
        self._stem = _porter()

    def terms(self, text: str) -> list[str]:
        """The terms of a text, in order, without stop words."""
        return [term for word in words(text) if (term := self.term(word))]

    def term(self, word: str) -> str:
        """The term of one of `words`; empty for stop words and underscores."""
        if word[-1] == "s" and len(word) > 1 and word[-2] in _APOSTROPHES:
            word = word[:-2]
        if word in STOP_WORDS or not word.strip("_"):
            return ""
        return self._stem(word)


def _porter() -> Callable[[str], str]:
    """Lucene's PorterStemmer, as Snowball's `porter` with four corrections.

    Lucene has Porter's own program, which departs from the paper that Snowball follows: words of
    one or two letters stay; step 2 turns `bli` into `ble` (the paper: only `abli`) and `logi` into
    `log` where a vowel and a consonant come before. Snowball, for its part, undoubles only the
    consonants it lists (not `trekking`). Known to differ: words with yy before `ed` or `ing`.
    """
    import Stemmer

    snowball: Callable[[str], str] = Stemmer.Stemmer(
        "porter", 0
    ).stemWord  # 0: no cache of its own

    def stem(word: str) -> str:
        if len(word) < 3:
            return word
        doubled = _DOUBLED.fullmatch(word)
        if doubled and _VOWEL.search(doubled[1]):
            word = doubled[1]
        short = snowball(word)
        # No other rule of Snowball touches these endings: where step 1 made them, they survive,
        # and the later steps are done by stemming once more.
        if not short.endswith(("bli", "logi")) or not _STEP_1.fullmatch(word, len(short) - 1):
            return short
        if short.endswith("bli"):
            return snowball(short[:-1] + "e") if _measured(short[:-3]) else short
        return snowball(short[:-1]) if _measured(short[:-4]) else short

    return stem


def _measured(stem: str) -> bool:
    """Porter's m > 0: a vowel somewhere before a consonant; y after a consonant is a vowel."""
    vowel_before = False
    for place, letter in enumerate(stem):
        vowel = letter in "aeiou" or (letter == "y" and place > 0 and not vowel_before)
        if vowel_before and not vowel:
            return True
        vowel_before = vowel
    return False
