"""Lists and ranges in words, short enough for a note."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SHOWN_NAMES = 5


def some(names: Sequence[str], between: str = ", ") -> str:
    """`a, b, c, d, e and 3 more`."""
    shown = between.join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def spread(numbers: Iterable[int]) -> str:
    """`7`, or the least and the greatest: `5 to 1,000`."""
    values = sorted(set(numbers))
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"
