"""Letter displays: share a letter iff not different; the groups of inserting and absorbing."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.stats.letters import letters


def _matrix(size: int, different: set[tuple[int, int]]) -> list[list[bool]]:
    return [[(min(a, b), max(a, b)) in different for b in range(size)] for a in range(size)]


@st.composite
def _decisions(draw: st.DrawFn) -> tuple[int, set[tuple[int, int]]]:
    size = draw(st.integers(0, 8))
    pairs = list(combinations(range(size), 2))
    return size, draw(st.sets(st.sampled_from(pairs))) if pairs else set()


def _inserted_and_absorbed(size: int, different: set[tuple[int, int]]) -> set[frozenset[int]]:
    """Piepho's algorithm as his paper states it."""
    columns = {frozenset(range(size))}
    for a, b in sorted(different):
        split = {
            part
            for column in columns
            for part in ([column - {a}, column - {b}] if {a, b} <= column else [column])
        }
        columns = {one for one in split if not any(one < other for other in split)}
    return columns


@given(_decisions())
def test_two_share_a_letter_exactly_where_they_are_not_different(
    decisions: tuple[int, set[tuple[int, int]]],
) -> None:
    size, different = decisions
    shown = [set(text) for text in letters(_matrix(size, different))]
    assert all(shown)
    for a, b in combinations(range(size), 2):
        assert bool(shown[a] & shown[b]) == ((a, b) not in different)


@given(_decisions())
def test_letters_stand_for_groups_that_piephos_algorithm_finds(
    decisions: tuple[int, set[tuple[int, int]]],
) -> None:
    size, different = decisions
    shown = letters(_matrix(size, different))
    used = sorted(set("".join(shown)))
    groups = [frozenset(at for at in range(size) if name in shown[at]) for name in used]
    assert set(groups) <= _inserted_and_absorbed(size, different)
    # Letters run with the groups, best first, and none could be left out.
    assert [sorted(group) for group in groups] == sorted(sorted(group) for group in groups)
    for group in groups:
        others = [one for one in groups if one is not group]
        pairs = [*combinations(group, 2), *((each, each) for each in group)]
        assert not all(any({a, b} <= one for one in others) for a, b in pairs)


@pytest.mark.parametrize(
    ("different", "expected"),
    [
        (set(), ["a", "a", "a", "a"]),
        ({(0, 2), (0, 3), (1, 3)}, ["a", "ab", "bc", "c"]),
        ({(0, 3)}, ["a", "ab", "ab", "b"]),
        (set(combinations(range(4), 2)), ["a", "b", "c", "d"]),
    ],
)
def test_the_best_has_an_a(different: set[tuple[int, int]], expected: list[str]) -> None:
    assert letters(_matrix(4, different)) == expected


def test_letters_go_on_after_z_and_stay_apart() -> None:
    shown = letters(_matrix(30, set(combinations(range(30), 2))))
    assert shown[25:28] == ["z", "a2", "b2"]
    assert len(set(shown)) == 30
    assert all(re.fullmatch(r"[a-z]\d?", text) for text in shown)


def test_pairs_that_differ_among_many_that_do_not_take_no_time_to_speak_of() -> None:
    # Inserting and absorbing would hold 2^15 groups here.
    shown = letters(_matrix(30, {(at, at + 1) for at in range(0, 30, 2)}))
    parts = [set(re.findall(r"[a-z]\d?", text)) for text in shown]
    for a, b in combinations(range(30), 2):
        assert bool(parts[a] & parts[b]) == (not (a % 2 == 0 and b == a + 1))
