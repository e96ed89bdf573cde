"""Any answer is an order of all passages; what was wrong with it is told apart."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.rerankers.listwise.permutation import parse
from rerankbench.rerankers.listwise.windows import windows

SIZES = st.integers(1, 25)
# Answers that look like one, and ones that do not at all.
ALMOST = st.text("[]> 0123456789", max_size=60) | st.text("[12] > ²②２🄀,</think>\n", max_size=40)
ANSWERS = ALMOST | st.text(max_size=60)


def _written(order: list[int]) -> str:
    return " > ".join(f"[{place + 1}]" for place in order)


@given(answer=ANSWERS, size=SIZES)
def test_every_answer_gives_a_whole_order(answer: str, size: int) -> None:
    assert sorted(parse(answer, size).order) == list(range(size))


@given(data=st.data(), size=SIZES)
def test_a_well_formed_answer_is_its_own_order(data: st.DataObject, size: int) -> None:
    order = data.draw(st.permutations(range(size)))
    found = parse(_written(order), size)
    assert found.order == tuple(order)
    assert found.outcome == "ok"


@given(data=st.data(), size=SIZES)
def test_what_is_left_out_follows_in_the_order_it_had(data: st.DataObject, size: int) -> None:
    named = data.draw(st.lists(st.integers(0, size + 3), max_size=30))
    expected = [place for i, place in enumerate(named) if place < size and place not in named[:i]]
    expected += [place for place in range(size) if place not in expected]
    assert list(parse(_written(named), size).order) == expected


@pytest.mark.parametrize(
    ("answer", "order", "outcome"),
    [
        ("[2] > [3] > [1]", (1, 2, 0), "ok"),
        ("  [2] > [3] > [1]\n", (1, 2, 0), "ok"),
        ("<think>[3] first?</think>\n\n[2] > [3] > [1]", (1, 2, 0), "ok"),
        ("[02] > [3] > [1]", (1, 2, 0), "ok"),
        ("[2] > [3]", (1, 2, 0), "missing"),
        ("[2] > [2]", (1, 0, 2), "missing"),
        ("[2] > [2] > [1]", (1, 0, 2), "repetition"),
        ("[2] > [3] > [1] > [1]", (1, 2, 0), "repetition"),
        ("[2] > [3] > [1] > [4]", (1, 2, 0), "repetition"),
        ("[2] > [3] > [4]", (1, 2, 0), "missing"),
        ("[0] > [3] > [1]", (2, 0, 1), "missing"),
        ("", (0, 1, 2), "wrong format"),
        ("I cannot rank these.", (0, 1, 2), "wrong format"),
        ("[2]>[3]>[1]", (1, 2, 0), "wrong format"),
        ("[2] > [3] > [1", (1, 2, 0), "wrong format"),
        ("[2] > [3] > [1] >", (1, 2, 0), "wrong format"),
        ("[2] > [3] > [1].", (1, 2, 0), "wrong format"),
        ("2 > 3 > 1", (1, 2, 0), "wrong format"),
        ("Ranking: [②] > [３] > [¹]", (1, 2, 0), "wrong format"),
        ("[231]", (0, 1, 2), "missing"),
        ("[" + "9" * 5000 + "] > [3]", (2, 0, 1), "missing"),
    ],
)
def test_what_was_wrong_is_told(answer: str, order: tuple[int, ...], outcome: str) -> None:
    found = parse(answer, 3)
    assert (found.order, found.outcome) == (order, outcome)


def _outcome_by_its_definition(answer: str, size: int) -> str:
    """The checks of rank_llm's analysis, one after another."""
    if re.fullmatch(r"^\[\d+\]( > \[\d+\])*$", answer) is None:
        return "wrong format"
    ranks = [int(number) for number in re.findall(r"\[(\d+)\]", answer)]
    if len(ranks) < size:
        return "missing"
    if len(ranks) > size or len(set(ranks)) < size:
        return "repetition"
    for rank in range(1, size + 1):
        if rank not in ranks:
            return "missing"
    return "ok"


@given(named=st.lists(st.integers(0, 6), max_size=7), size=st.integers(1, 5), torn=st.booleans())
def test_outcomes_are_those_of_rank_llm(named: list[int], size: int, torn: bool) -> None:
    answer = " > ".join(f"[{number}]" for number in named) + (" >" if torn else "")
    assert parse(answer, size).outcome == _outcome_by_its_definition(answer, size)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, []),
        (2, [(0, 2)]),
        (20, [(0, 20)]),
        (21, [(1, 21), (0, 11)]),
        (30, [(10, 30), (0, 20)]),
        (35, [(15, 35), (5, 25), (0, 15)]),
        (100, [(80 - 10 * step, 100 - 10 * step) for step in range(9)]),
    ],
)
def test_the_window_slides_from_the_end_to_the_start(
    count: int, expected: list[tuple[int, int]]
) -> None:
    assert [(each.start, each.stop) for each in windows(count, 20, 10)] == expected


@given(count=st.integers(0, 130), window=st.integers(2, 25), data=st.data())
def test_every_place_is_in_a_window_and_neighbours_touch(
    count: int, window: int, data: st.DataObject
) -> None:
    stride = data.draw(st.integers(1, window))
    found = windows(count, window, stride)
    assert all(2 <= len(each) <= window for each in found)
    asked = {place for each in found for place in each}
    # With no overlap, one passage may be left over at the start, and alone it has no order.
    assert asked >= set(range(0 if count > 1 and stride < window else 1, count))
    for later, earlier in pairwise(found):
        assert later.stop - earlier.stop == stride
        assert earlier.stop >= later.start
