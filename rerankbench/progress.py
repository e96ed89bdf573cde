"""What long work reports while it runs; who shows it, and how, is not its business."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

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
