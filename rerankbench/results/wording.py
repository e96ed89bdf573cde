"""Ranges in words, short enough for a note."""

from __future__ import annotations

from collections.abc import Iterable


def spread(numbers: Iterable[int]) -> str:
    """`7`, or the least and the greatest: `5 to 1,000`."""
    values = sorted(set(numbers))
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"
