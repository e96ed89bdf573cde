"""What columns contain, judging by headings and figures, and which values are better."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from rerankbench.audit.cells import PrintedCell
from rerankbench.audit.names import names_average

Kind: TypeAlias = Literal["text", "average", "speed", "rank", "quality", "number", "other"]
"""`number`: figures of which neither the heading nor their size says what they are; `other`: what
the heading says to be none of the checks' business."""
Direction: TypeAlias = Literal["higher", "lower", ""]
"""The values that are better."""

_SPEED = re.compile(
    r"docs?\s*/\s*s|pairs\s*/\s*s|tokens\s*/\s*s|/\s*sec|\blatenc(y|ies)\b|\bthroughput\b|\bqps\b"
    r"|\bspeed(s|-?ups?)?\b|\bruntime\b|\bp(50|75|90|95|99)\b|(?-i:\bms\b)|\bseconds?\b|\btimes?\b",
    re.I,
)

_RANK = re.compile(r"rank|#|place|no\.?|position", re.I)
_OTHER = re.compile(
    r"Δ|\bdelta|\bdiff(s|\.|erences?)?\b|(?<!cumulative )\bgains?\b|\bchanges?\b"
    r"|\bimprovements?\b|\bp[- ]?values?\b|\bparams?\b|\bparameters?\b|\bsizes?\b"
    r"|\bdepth\b|\blengths?\b|\breleased?\b|\byear\b|\bdates?\b|\bprices?\b|\bcosts?\b"
    r"|\$|€|\belo\b|\bratings?\b|\bwins?\b|\bloss(es)?\b|\bties?\b|\bwin rate\b|\bdims?\b"
    r"|\bdimensions?\b|\btruncat|\bworse\b|\bheadroom\b|\blicen[cs]es?\b|\bversions?\b|\bmemory\b"
    r"|\bvram\b|\bstd\b|\bst\.? ?dev|\bvariance\b|\bepochs?\b|\bsteps?\b|\bborda\b"
    r"|(?<!reciprocal )\brank\b(?!@)",
    re.I,
)
_OF_COLLECTION = re.compile(
    r"\W*(num(ber)? of|no\.? of)?\s*(quer(y|ies)|documents|docs|passages|pairs)\W*", re.I
)
_LOWER = re.compile(
    r"\bperplexit(y|ies)\b|\bppl\b|\berrors?\b"
    r"|\bhallucinations?\b|\btoxicity\b|\b(miss|failure|violation)s?( rate)?\b|\bbrier\b"
    r"|\bregret\b|\b(wer|cer|rmse|mse|mae|nll|eer|ece|bpb|bpc)\b|(?-i:\b(MER|TER|DER|FID|FPR|FNR)\b)",
    re.I,
)
_HIGHER = re.compile(
    r"\bndcg|\bm?rr\b|\bmrr|\bmap\b|\brecall\b"
    r"|\bprecision\b|\bacc(uracy|\.)?\b|\bf1\b|\bhit|\bsuccess\b|\bauc\b|\bauroc\b|\bbleu\b|\brouge",
    re.I,
)
_LOWER_IS_BETTER = re.compile(r"\b(lower|smaller|less)\b[^.;|]{0,20}\bbetter\b", re.I)
_HIGHER_IS_BETTER = re.compile(r"\b(higher|larger|more|greater)\b[^.;|]{0,20}\bbetter\b", re.I)

# The same few names come up for every cell.
_remembered = lru_cache(maxsize=4096)


def kind_of(headings: Sequence[str], cells: Sequence[PrintedCell]) -> Kind:
    """What a column contains: by its heading first, then by its numbers."""
    filled = [cell for cell in cells if not cell.is_missing]
    numbers = [cell for cell in filled if cell.number is not None]
    figures = len(numbers) + sum(cell.holds_figures for cell in filled)
    if not numbers or 2 * figures < len(filled):
        return "text"
    name, own = " ".join(headings), headings[-1]
    if _RANK.fullmatch(own.strip()):
        return "rank"
    if _SPEED.search(name) or any(cell.unit in ("ms", "s", "µs", "min", "h") for cell in numbers):
        return "speed"
    if (
        _OF_COLLECTION.fullmatch(own)
        or _OTHER.search(name)
        or any(cell.unit not in ("", "%") for cell in numbers)
    ):
        return "other"
    if names_average(name) and all(abs(cell.value) <= 100 for cell in numbers):
        return "average"
    return "quality" if _is_share(name, numbers) else "number"


def _is_share(name: str, numbers: Sequence[PrintedCell]) -> bool:
    """Whether they can be shares of 1 or of 100: none is negative.

    Whole numbers may be counts as well, unless they are percent or have a metric's name above.
    """
    values = [cell.number for cell in numbers if cell.number is not None]
    is_stated = any(cell.decimals or cell.unit == "%" for cell in numbers) or bool(direction(name))
    return min(values) >= 0 and max(values) <= 100 and is_stated


@_remembered
def direction(name: str) -> Direction:
    """Which values of a metric are better; empty if the name does not say so."""
    stated = stated_direction(name)
    if stated or _HIGHER.search(name):
        return stated or "higher"
    return "lower" if _LOWER.search(name) else ""


@_remembered
def stated_direction(text: str) -> Direction:
    """The same for text around a table, which may name one metric and mean another."""
    higher = "↑" in text or _HIGHER_IS_BETTER.search(text) is not None
    lower = "↓" in text or _LOWER_IS_BETTER.search(text) is not None
    return "" if higher == lower else "higher" if higher else "lower"
