"""Lucene's StandardTokenizer and LowerCaseFilter: text to lower-cased words.

The rules are UAX #29's word breaks as StandardTokenizerImpl.jflex writes them: letters, digits
and underscores join; letters also join over one of . : ' and digits over one of . , ; '
(MidLetter, MidNum, MidNumLet and Single_Quote of WordBreakProperty.txt); a Han or Hiragana
character is a word of its own; a run of Katakana, Thai, Lao, Khmer or Burmese is one word, and so
is an emoji (® and ™ are emoji too); the rest is dropped.

Departures, none of which touches English: keycap emoji of # and * are dropped, Hebrew geresh and
gershayim break words, the length limit counts code points (Java counts UTF-16 units).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain

LONGEST = 255
"""StandardAnalyzer.DEFAULT_MAX_TOKEN_LENGTH, in characters."""

# Both patterns also match lone underscores, which are not words in Lucene: so a long line of them
# is skipped in linear time, and the analyser drops them when it sees each distinct word.
_ASCII = re.compile(
    r"[a-z0-9_]+(?:(?:(?<=[a-z])[.:'](?=[a-z])|(?<=[0-9])[.,;'](?=[0-9]))[a-z0-9_]+)*"
)

_MID_LETTER = ":·\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MID_NUMBER = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_MID_BOTH = ".'\u2018\u2019\u2024\ufe52\uff07\uff0e"
_JOINERS = "_\u202f\u203f\u2040\u2054\ufe33\ufe34\ufe4d-\ufe4f\uff3f"
_KATAKANA = (
    "\u3031-\u3035\u309b\u309c\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u32d0-\u32fe"
    "\u3300-\u3357\uff66-\uff9d"
)
_HIRAGANA = "\u3041-\u3096\u309d-\u309f\U0001b001-\U0001b11f"
_HAN = (
    "\u2e80-\u2e99\u2e9b-\u2ef3\u2f00-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufa6d\ufa70-\ufad9\U00020000-\U000323af"
)
# Line_Break=SA without digits: Thai, Lao, Burmese, Khmer, Tai Le, New Tai Lue, Tai Tham, Tai Viet.
_NO_SPACES = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109f"
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u1950-\u19c9\u19de\u19df\u1a20-\u1a7c\ua9e0-\ua9ef"
    "\ua9fa-\ua9fe\uaa60-\uaadf"
)
# Letters for UAX #29 though not by their category: circled letters, modifier symbols.
_MORE_LETTERS = (
    "\u00b8\u02c2-\u02c5\u02d2-\u02d7\u02de\u02df\u02e5-\u02eb\u02ed\u02ef-\u02ff\u055a-\u055c"
    "\u055e\u058a\u05f3\u24b6-\u24e9\ua708-\ua716\ua720\ua721\ua789\ua78a\uab5b"
)
# Extended_Pictographic of emoji-data.txt 12.
_EMOJI = (
    "©®\u203c\u2049\u2122\u2139\u2194-\u2199\u21a9\u21aa\u231a\u231b\u2328\u2388\u23cf\u23e9-\u23f3"
    "\u23f8-\u23fa\u25aa\u25ab\u25b6\u25c0\u25fb-\u25fe\u2600-\u2605\u2607-\u2612\u2614-\u2685"
    "\u2690-\u2705\u2708-\u2712\u2714\u2716\u271d\u2721\u2728\u2733\u2734\u2744\u2747\u274c\u274e"
    "\u2753-\u2755\u2757\u2763-\u2767\u2795-\u2797\u27a1\u27b0\u27bf\u2934\u2935\u2b05-\u2b07\u2b1b"
    "\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f0ff\U0001f10d-\U0001f10f\U0001f12f"
    "\U0001f16c-\U0001f171\U0001f17e\U0001f17f\U0001f18e\U0001f191-\U0001f19a\U0001f1ad-\U0001f1e5"
    "\U0001f201-\U0001f20f\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f23c-\U0001f23f"
    "\U0001f249-\U0001f3fa\U0001f400-\U0001f53d\U0001f546-\U0001f64f\U0001f680-\U0001f6ff"
    "\U0001f774-\U0001f77f\U0001f7d5-\U0001f7ff\U0001f80c-\U0001f80f\U0001f848-\U0001f84f"
    "\U0001f85a-\U0001f85f\U0001f888-\U0001f88f\U0001f8ae-\U0001f8ff\U0001f90c-\U0001f93a"
    "\U0001f93c-\U0001f945\U0001f947-\U0001fffd"
)
_FLAG_HALF = "[\U0001f1e6-\U0001f1ff]"
# Planes 4 to 13 are empty and the last two private: looking at their 850,000 code points as well
# would double the time that the pattern takes, a tenth of indexing a small collection.
_ASSIGNED = (range(0x40000), range(0xE0000, 0xF0000))


def words(text: str) -> list[str]:
    """Lower-cased words of a text in order, at most `LONGEST` long, including underscores."""
    if text.isascii():
        matches: list[str] = _ASCII.findall(text.lower())
    else:
        # Java lowers character by character: no final sigma, and the Turkish I becomes one letter.
        text = text.replace("İ", "i").replace("Σ", "σ").lower()
        # A blank always separates, and the pattern for all scripts is slow: it reads only what
        # needs it.
        matches = []
        for chunk in text.split(" "):
            matches += (_ASCII if chunk.isascii() else _any_script()).findall(chunk)
    if max(map(len, matches), default=0) <= LONGEST:
        return matches
    return [piece for word in matches for piece in _pieces(word)]


def _pieces(word: str) -> Iterator[str]:
    # The scanner reads LONGEST characters at a time and continues where its match ended.
    pattern = _ASCII if word.isascii() else _any_script()
    start = 0
    while match := pattern.search(word, start, start + LONGEST):
        yield match.group()
        start = match.end()


@cache
def _any_script() -> re.Pattern[str]:
    """The pattern for text beyond ASCII; its character classes come from `unicodedata`."""
    alone = _HAN + _HIRAGANA
    special = re.compile(f"[{alone}{_KATAKANA}{_NO_SPACES}{_JOINERS}]")
    extend, letters, digits = [], [], []
    for code in chain.from_iterable(_ASSIGNED):
        category = unicodedata.category(char := chr(code))
        if category in ("Mn", "Me", "Mc", "Cf"):
            extend.append(code)
        elif category == "Nd":
            digits.append(code)
        elif (category[0] == "L" or category == "Nl") and not special.match(char):
            letters.append(code)
    # By category the zero width space is a format character, but it separates words.
    marks = f"[{_ranges(code for code in extend if code != 0x200B)}\U0001f3fb-\U0001f3ff]*+"
    letter = f"[{_ranges(letters)}{_MORE_LETTERS}]{marks}"
    digit = f"[{_ranges(digits)}]{marks}"
    letter_run = f"{letter}(?:(?:[{_MID_LETTER}{_MID_BOTH}]{marks})?{letter})*"
    digit_run = f"{digit}(?:(?:[{_MID_NUMBER}{_MID_BOTH}]{marks})?{digit})*"
    joiners = f"(?:[{_JOINERS}]{marks})++"
    katakana = f"(?:[{_KATAKANA}]{marks})++"
    segment = f"(?:(?:{letter_run}|{digit_run})++|{katakana})"
    return re.compile(
        f"{segment}(?:{joiners}{segment}?)*+|{joiners}(?:{segment}{joiners})*+{segment}?+"
        f"|[{alone}]{marks}|(?:[{_NO_SPACES}]{marks})++"
        f"|[{_EMOJI}]{marks}(?:(?<=\u200d)[{_EMOJI}]{marks})*+|(?:{_FLAG_HALF}{marks}){{2}}"
    )


def _ranges(codes: Iterable[int]) -> str:
    """Code points, rising, as the inside of a character class."""
    spans: list[tuple[int, int]] = []
    for code in codes:
        if spans and spans[-1][1] == code - 1:
            spans[-1] = (spans[-1][0], code)
        else:
            spans.append((code, code))
    return "".join(f"{re.escape(chr(low))}-{re.escape(chr(high))}" for low, high in spans)
