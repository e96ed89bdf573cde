"""Names beside points: none covers another, whatever the points."""

from __future__ import annotations

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from rerankbench.report.plots.labels import Box, along, place

BOUNDS = Box(left=0, bottom=0, right=900, top=400)
POINT = st.tuples(st.floats(0, 900), st.floats(0, 400))
SIZE = st.tuples(st.floats(5, 250), st.floats(8, 20))


@given(st.lists(st.tuples(POINT, SIZE), max_size=12))
def test_no_name_covers_another_or_a_point_or_leaves_the_picture(
    given_: list[tuple[tuple[float, float], tuple[float, float]]],
) -> None:
    points = [point for point, _ in given_]
    covered = Box(left=0, bottom=0, right=120, top=15)
    found = place(points, [size for _, size in given_], BOUNDS, covered=[covered])
    boxes = [one.box for one in found if one is not None]
    assert len(found) == len(points)
    assert not any(a.overlaps(b) for a, b in combinations([*boxes, covered], 2))
    assert all(BOUNDS.holds(box) for box in boxes)
    assert not any(
        box.left < x < box.right and box.bottom < y < box.top for box in boxes for x, y in points
    )


def test_a_lone_point_has_its_name_close_to_its_right() -> None:
    [found] = place([(100, 100)], [(50, 10)], BOUNDS)
    assert found is not None
    assert (found.box.left, found.box.centre[1]) == (109, 100)


def test_a_line_is_avoided_where_there_is_another_place() -> None:
    across = along([(100, 100), (900, 100)])
    [found] = place([(100, 100)], [(50, 10)], BOUNDS, lines=across)
    assert found is not None
    assert not (found.box.bottom < 100 < found.box.top and found.box.right > 101)


def test_a_line_that_fills_the_picture_still_leaves_the_name() -> None:
    everywhere = [(float(x), float(y)) for x in range(0, 900, 5) for y in range(0, 400, 5)]
    assert place([(100, 100)], [(50, 10)], BOUNDS, lines=everywhere) != [None]


def test_a_name_without_room_is_left_out() -> None:
    assert place([(450, 200)], [(2000, 10)], BOUNDS) == [None]


def test_a_line_is_followed_in_small_steps() -> None:
    found = along([(0, 0), (0, 10), (30, 10)], step=4)
    assert found[0] == (0, 0)
    assert found[-1] == (30, 10)
    assert all(abs(x - to_x) + abs(y - to_y) <= 4 for (x, y), (to_x, to_y) in pairwise(found))
