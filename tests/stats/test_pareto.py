"""The Pareto front against its definition, point by point."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rerankbench.stats.pareto import front

COARSE = st.integers(0, 4).map(float)


def _beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a != b and a[0] >= b[0] and a[1] >= b[1]


@given(st.lists(st.tuples(COARSE, COARSE), max_size=15))
def test_the_front_is_what_nothing_beats(points: list[tuple[float, float]]) -> None:
    expected = {
        at for at, point in enumerate(points) if not any(_beats(other, point) for other in points)
    }
    found = front(points)
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[at][0] for at in found] == sorted(points[at][0] for at in found)
