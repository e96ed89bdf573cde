"""What a model answered when asked for an order: `[2] > [1] > [3]`, or something else.

Every answer is read as a whole order, however odd it is; whether it was odd is told apart as
rank_llm does (https://github.com/castorini/rank_llm, analysis/response_analysis.py).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "wrong format", "repetition", "missing"]

# rank_llm's output_validation_regex and output_extraction_regex.
_WELL_FORMED = re.compile(r"\[\d+\]( > \[\d+\])*")
_IDENTIFIER = re.compile(r"\[(\d+)\]")
_AFTER_THINKING = "</think>"
# Longer numbers name no passage; Python refuses to read those of thousands of digits.
_MOST_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Permutation:
    """An order of a window's places, best first, and what became of the answer."""

    order: tuple[int, ...]
    outcome: Outcome


def parse(answer: str, size: int) -> Permutation:
    """The order that an answer gives to `size` passages, which it counts from 1."""
    answer = answer.rsplit(_AFTER_THINKING, 1)[-1].strip()
    return Permutation(order=_order(answer, size), outcome=_outcome(answer, size))


def _order(answer: str, size: int) -> tuple[int, ...]:
    """Numbers in range where they first stand, then what is left out, in the order it had."""
    digits = "".join(_digit(letter) for letter in answer)
    named = (_number(part) - 1 for part in digits.split())
    kept = dict.fromkeys(place for place in named if 0 <= place < size)
    return (*kept, *(place for place in range(size) if place not in kept))


def _digit(letter: str) -> str:
    """A digit of any script or shape (², ②, ２) as a plain one; a space for anything else."""
    value = unicodedata.digit(letter, None)
    return " " if value is None else str(value)


def _number(digits: str) -> int:
    significant = digits.lstrip("0")
    return int(significant) if 0 < len(significant) <= _MOST_DIGITS else 0


def _outcome(answer: str, size: int) -> Outcome:
    """Format first, then too few, then too many or twice, then one that is not among them."""
    if not _WELL_FORMED.fullmatch(answer):
        return "wrong format"
    named = [_number(digits) for digits in _IDENTIFIER.findall(answer)]
    if len(named) < size:
        return "missing"
    if len(named) > size or len(set(named)) < size:
        return "repetition"
    return "ok" if set(named) == set(range(1, size + 1)) else "missing"
