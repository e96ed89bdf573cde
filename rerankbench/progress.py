"""What long work reports while it runs; who shows it, and how, is not its business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

Advance = Callable[[int], None]
"""Call with how many more units are done."""


class Progress(Protocol):
    """Receives what a long job does; `console` shows it, tests and libraries use `Silent`."""

    def task(
        self, description: str, total: int | None, unit: str
    ) -> AbstractContextManager[Advance]:
        """A stretch of countable work; `total` is None where it is not known beforehand."""

    def note(self, text: str) -> None:
        """A fact worth a line."""

    def warn(self, text: str) -> None:
        """Something that may make the numbers other than expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a task goes: units a second, and seconds; None is not known."""

    elapsed_s: float
    per_s: float | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Seconds left of a cell and of the whole run; `is_rough` where speeds had to be guessed."""

    cell_s: float | None
    run_s: float | None = None
    is_rough: bool = False


class Place(Protocol):
    """Where in a run its tasks are."""

    @property
    def text(self) -> str:
        """Such as `cell 2 of 6`."""

    def left(self, pace: Pace) -> Left:
        """What is left while a task goes at that pace."""


@runtime_checkable
class PlacedProgress(Progress, Protocol):
    """A progress that also says where in a run its tasks are."""

    def place(self, place: Place | None) -> None:
        """All tasks from now on are there; None: nowhere in particular."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        """Count nothing."""
        yield lambda done: None

    def note(self, text: str) -> None:
        """Drop it."""

    def warn(self, text: str) -> None:
        """Drop it."""
