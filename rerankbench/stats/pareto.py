"""The Pareto front of choices with two criteria."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the points that no other point beats, by ascending first value.

    More is better in both values. A point is beaten by one that is at least as good in both and
    better in one (Pareto dominance), so equal points stand or fall together.
    """
    kept: list[int] = []
    best = float("-inf")
    at_best = float("-inf")
    for at in sorted(range(len(points)), key=lambda at: points[at], reverse=True):
        x, y = points[at]
        if y > best or (y == best and x == at_best):
            kept.append(at)
            best, at_best = y, x
    return kept[::-1]
