"""A window that slides over a list from its end to its start."""

from __future__ import annotations


def windows(count: int, window: int, stride: int) -> list[range]:
    """The places that are ordered anew, one window after another, for a list of `count`.

    The first window ends where the list does, each of the others `stride` places earlier, and the
    last begins at the start, where it may be a shorter one (rank_llm's sliding windows). A window
    of one passage would ask nothing and is left out.
    """
    ranges = []
    end = count
    while end > 1:
        start = max(end - window, 0)
        ranges.append(range(start, end))
        if start == 0:
            break
        end -= stride
    return ranges
