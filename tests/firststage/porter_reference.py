"""Porter's algorithm in its published form, with the departures of Porter's own programs.

Written plainly from the rules (M. F. Porter, "An algorithm for suffix stripping", 1980, and the
notes at tartarus.org/martin/PorterStemmer), to check the fast route that the analyser takes.
"""

from __future__ import annotations

_STEP_2 = {
    "ational": "ate",
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "izer": "ize",
    "bli": "ble",  # departure: the paper has abli
    "alli": "al",
    "entli": "ent",
    "eli": "e",
    "ousli": "ous",
    "ization": "ize",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "iveness": "ive",
    "fulness": "ful",
    "ousness": "ous",
    "aliti": "al",
    "iviti": "ive",
    "biliti": "ble",
    "logi": "log",  # departure: not in the paper
}
_STEP_3 = {
    "icate": "ic",
    "ative": "",
    "alize": "al",
    "iciti": "ic",
    "ical": "ic",
    "ful": "",
    "ness": "",
}
_STEP_4 = (
    *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion"),
    *("ou", "ism", "ate", "iti", "ous", "ive", "ize"),
)


def _kinds(word: str) -> str:
    """c or v for each letter; y is a vowel after a consonant."""
    kinds = ""
    for letter in word:
        vowel = letter in "aeiou" or (letter == "y" and kinds.endswith("c"))
        kinds += "v" if vowel else "c"
    return kinds


def _measure(stem: str) -> int:
    return _kinds(stem).count("vc")


def _doubled(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _kinds(word)[-1] == "c"


def _consonant_vowel_consonant(word: str) -> bool:
    return _kinds(word)[-3:] == "cvc" and word[-1] not in "wxy"


def _longest(word: str, endings: tuple[str, ...]) -> str:
    return max((e for e in endings if word.endswith(e)), key=len, default="")


def _step_1(word: str) -> str:
    if word.endswith("sses") or word.endswith("ies"):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    if word.endswith("eed"):
        word = word[:-1] if _measure(word[:-3]) > 0 else word
    elif (ending := _longest(word, ("ed", "ing"))) and "v" in _kinds(word[: -len(ending)]):
        word = word[: -len(ending)]
        if word.endswith(("at", "bl", "iz")):
            word += "e"
        elif _doubled(word):
            word = word if word[-1] in "lsz" else word[:-1]
        elif _measure(word) == 1 and _consonant_vowel_consonant(word):
            word += "e"
    if word.endswith("y") and "v" in _kinds(word[:-1]):
        word = word[:-1] + "i"
    return word


def _replace(word: str, rules: dict[str, str]) -> str:
    ending = _longest(word, tuple(rules))
    stem = word[: len(word) - len(ending)]
    return stem + rules[ending] if ending and _measure(stem) > 0 else word


def _step_4(word: str) -> str:
    ending = _longest(word, _STEP_4)
    stem = word[: len(word) - len(ending)]
    if not ending or _measure(stem) < 2 or (ending == "ion" and stem[-1] not in "st"):
        return word
    return stem


def _step_5(word: str) -> str:
    if word.endswith("e"):
        stem = word[:-1]
        measure = _measure(stem)
        if measure > 1 or (measure == 1 and not _consonant_vowel_consonant(stem)):
            word = stem
    return word[:-1] if word.endswith("ll") and _measure(word) > 1 else word


def stem(word: str) -> str:
    """The stem of a lower-case word; words of one or two letters stay (the third departure)."""
    if len(word) < 3:
        return word
    return _step_5(_step_4(_replace(_replace(_step_1(word), _STEP_2), _STEP_3)))
