"""Compact letter displays: pairwise decisions as a few letters behind every name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from string import ascii_lowercase


def letters(different: Sequence[Sequence[bool]]) -> list[str]:
    """Letters for systems given best first: two share one exactly where they are not different.

    Letters stand in the order of their best systems, so `a` is on the best. A system may have
    several; after `z` comes `a2`.

    Args:
        different: systems × systems, symmetric; the diagonal is not read.
    """
    # Piepho, "An Algorithm for a Letter-Based Representation of All-Pairwise Comparisons", 2004,
    # says what a display must show. To find one is to cover the graph of the pairs that are not
    # different with cliques (Gramm et al., "Algorithms for Compact Letter Displays", 2007);
    # growing them greedily needs no more than n^4 steps, where inserting and absorbing may need
    # 2^(n/2), and finds the fewest wherever neighbours in the order are what is not different.
    systems = range(len(different))
    groups: list[list[int]] = []
    for a, b in combinations_with_replacement(systems, 2):
        if (a != b and different[a][b]) or any(a in group and b in group for group in groups):
            continue
        group = sorted({a, b})
        for other in systems:
            if other not in group and not any(different[other][member] for member in group):
                group.append(other)
        groups.append(sorted(group))
    shown = list(enumerate(_needed(groups)))
    return ["".join(_name(place) for place, group in shown if at in group) for at in systems]


def _needed(groups: Sequence[list[int]]) -> list[list[int]]:
    """The groups in the order of their members, without those whose pairs are all in others."""
    kept = sorted(groups)
    for group in sorted(groups, key=len):
        others = [other for other in kept if other is not group]
        pairs = combinations_with_replacement(group, 2)
        if all(any(a in other and b in other for other in others) for a, b in pairs):
            kept = others
    return kept


def _name(place: int) -> str:
    turn, at = divmod(place, len(ascii_lowercase))
    return ascii_lowercase[at] + (str(turn + 1) if turn else "")
