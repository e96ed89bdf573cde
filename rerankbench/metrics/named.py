"""A built-in metric: what makes it, and what other tools call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedMetric(Generic[M]):
    """Called with the cutoff, or None where the name has no `@k`. Raises UsageError."""

    create: Callable[[int | None], M]
    names_elsewhere: Mapping[str, str]
    """Tool → its name, without cutoff; all are understood wherever a metric is named."""

    def __call__(self, cutoff: int | None) -> M:
        return self.create(cutoff)
