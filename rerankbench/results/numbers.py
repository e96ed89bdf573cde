"""How numbers print, everywhere the same: so many digits, then the unit."""

from __future__ import annotations

from math import floor, log10
from typing import Literal, TypeAlias

Form: TypeAlias = Literal[
    "text",
    "fixed",
    "signed",
    "rate",
    "latency",
    "magnitude",
    "seconds",
    "between",
    "probability",
]
"""How a value prints; `leaderboard.table.Entry` says what each looks like."""

_MAGNITUDES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))


def number_text(value: float, form: Form, decimals: int = 0) -> str:
    """The number in that form, without its unit unless the form has one."""
    if form == "magnitude":
        return _magnitude(value)
    if form == "rate":
        return f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    if form == "latency":
        return _latency(value)
    if form == "probability" and value < 10**-decimals:
        return f"<{10**-decimals:.{decimals}f}"
    # "z": a loss of 0.0001 prints as +0.000, not as -0.000.
    sign = "+" if form == "signed" else ""
    unit = "s" if form == "seconds" else ""
    return format(value, f"{sign}z.{decimals}f") + unit


def p_text(p: float) -> str:
    """A p value in a sentence: `p = 0.210`, `p < 0.001`."""
    shown = number_text(p, "probability", P_DECIMALS)
    return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


P_DECIMALS = 3
"""Digits of every p value."""


def _latency(value: float) -> str:
    """`2188`, `98.1`, `0.034`: whole from 100 on, below 1 two significant digits."""
    if 0 < value < 0.995:
        return f"{value:.{1 - floor(log10(value))}f}"
    # 99.96 would round to 100.0.
    return f"{value:.{0 if value >= 99.95 else 1}f}"


def _magnitude(value: float) -> str:
    for size, letter in _MAGNITUDES:
        # 999,950 rounds to 1,000K: it belongs to the next letter already.
        if abs(value) >= size * 0.9995:
            digits = max(0, 2 - _whole_digits(value / size))
            return f"{value / size:.{digits}f}{letter}"
    return f"{value:.0f}"


def _whole_digits(value: float) -> int:
    """Digits before the point after the first, once rounded to three significant ones."""
    return int(f"{abs(value):.2e}".partition("e")[2])
