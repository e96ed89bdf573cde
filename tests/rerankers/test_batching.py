"""Batches: every pair once, within the budget, longest first, decided by the arguments alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rerankbench.rerankers.batching import batches

LENGTHS = st.lists(st.integers(0, 600), max_size=80)
BUDGETS = st.integers(1, 5000)


@given(LENGTHS, BUDGETS)
def test_every_pair_is_in_exactly_one_batch(lengths: list[int], budget: int) -> None:
    found = batches(lengths, range(len(lengths)), budget)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    assert all(found)


@given(LENGTHS, BUDGETS)
def test_a_padded_batch_keeps_the_budget_or_is_one_pair(lengths: list[int], budget: int) -> None:
    for batch in batches(lengths, range(len(lengths)), budget):
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget


@given(LENGTHS, BUDGETS)
def test_a_batch_is_as_large_as_the_budget_allows(lengths: list[int], budget: int) -> None:
    found = batches(lengths, range(len(lengths)), budget)
    for batch in found[:-1]:
        assert (len(batch) + 1) * max(1, *(lengths[i] for i in batch)) > budget


@given(LENGTHS, BUDGETS)
def test_the_longest_come_first_and_equal_ones_keep_their_order(
    lengths: list[int], budget: int
) -> None:
    flat = [i for batch in batches(lengths, range(len(lengths)), budget) for i in batch]
    assert flat == sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))


@given(LENGTHS, BUDGETS, st.data())
def test_only_the_named_pairs_are_batched(
    lengths: list[int], budget: int, data: st.DataObject
) -> None:
    chosen = data.draw(
        st.lists(st.sampled_from(range(len(lengths))), unique=True) if lengths else st.just([])
    )
    once = batches(lengths, chosen, budget)
    assert sorted(i for batch in once for i in batch) == sorted(chosen)
    assert batches(lengths, chosen, budget) == once
