"""Places the names of points so that none covers another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot

# Distances of a name from its point in pixels; from the third on, a thin line joins them.
_DISTANCES = (9.0, 15.0, 26.0, 40.0, 60.0, 85.0)
LEADER_FROM = 20.0
_MARKER = 7.0
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in pixels, y upwards."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def overlaps(self, other: Box) -> bool:
        """Whether they share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def holds(self, other: Box) -> bool:
        """Whether the other box lies completely inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPosition:
    """A name's box, and its distance from the point."""

    box: Box
    distance: float


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    bounds: Box,
    *,
    covered: Sequence[Box] = (),
    lines: Sequence[tuple[float, float]] = (),
) -> list[LabelPosition | None]:
    """Find room beside each point, first points first; None if there is no room.

    A name never covers a point, another name or a `covered` box, nor leaves `bounds`, and the line
    to its point crosses none of them. Places that cover a line of the plot (given as points along
    it) are used only if there is no other.
    """
    taken = [*covered, *map(_around, points)]
    soft = [_around(point, 1.0) for point in lines]
    placed: list[LabelPosition | None] = []
    for point, size in zip(points, sizes, strict=True):
        own = _around(point)
        others = [box for box in taken if box != own]
        free = [
            candidate
            for candidate in _candidates(point, size)
            if bounds.holds(candidate.box)
            and not any(candidate.box.overlaps(box) for box in taken)
            and not any(box.overlaps(part) for part in _leader(point, candidate) for box in others)
        ]
        clear = (
            candidate for candidate in free if not any(candidate.box.overlaps(box) for box in soft)
        )
        best = next(clear, next(iter(free), None))
        placed.append(best)
        if best is not None:
            taken += [best.box, *_leader(point, best)]
    return placed


def _leader(point: tuple[float, float], placed: LabelPosition) -> list[Box]:
    """The line between a point and a distant name, as small boxes outside the name."""
    if placed.distance <= LEADER_FROM:
        return []
    parts = [_around(part, 0.5) for part in along([point, placed.box.centre])]
    return [part for part in parts if not part.overlaps(placed.box)]


def _candidates(point: tuple[float, float], size: tuple[float, float]) -> Iterator[LabelPosition]:
    (x, y), (width, height) = point, size
    for distance in _DISTANCES:
        for right, up in _DIRECTIONS:
            # A diagonal step is as long as a straight one.
            step = distance * (0.71 if right and up else 1.0)
            left = x + right * step - width * (1 - right) / 2
            bottom = y + up * step - height * (1 - up) / 2
            box = Box(left=left, bottom=bottom, right=left + width, top=bottom + height)
            yield LabelPosition(box=box, distance=distance)


def _around(point: tuple[float, float], reach: float = _MARKER) -> Box:
    x, y = point
    return Box(left=x - reach, bottom=y - reach, right=x + reach, top=y + reach)


def along(corners: Sequence[tuple[float, float]], step: float = 4.0) -> list[tuple[float, float]]:
    """Points along the straight lines between these, at most `step` pixels apart."""
    points = []
    for (x, y), (to_x, to_y) in pairwise(corners):
        count = int(hypot(to_x - x, to_y - y) / step) + 1
        points += [
            (x + (to_x - x) * part / count, y + (to_y - y) * part / count)
            for part in range(count + 1)
        ]
    return points
