"""What a user may say about a first stage: `k1=0.9` from the command line, numbers from YAML."""

from __future__ import annotations

import math
from collections.abc import Collection as Group
from collections.abc import Mapping

from rerankbench.errors import UsageError, nearest
from rerankbench.types import Json


class Arguments:
    """Reads arguments one by one and gathers every mistake, to be told at once by `check`."""

    def __init__(self, stage: str, given: Mapping[str, Json], known: Group[str]) -> None:
        """Note the arguments that the first stage does not know."""
        self._stage = stage
        self._given = given
        self._problems = [
            f"has no argument '{name}', {nearest(name, known)}"
            for name in given
            if name not in known
        ]

    def number(
        self, name: str, default: float, *, low: float = 0.0, high: float = math.inf
    ) -> float:
        """A finite number from `low` to `high`, both included; the default where none is given."""
        value = self._given.get(name, default)
        try:
            number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        if math.isfinite(number) and low <= number <= high:
            return number
        span = f"of at least {low:g}" if math.isinf(high) else f"from {low:g} to {high:g}"
        self._problems.append(f"{name} is a number {span}, not '{value}'")
        return default

    def choice(self, name: str, default: str, allowed: Group[str]) -> str:
        """One of `allowed`; the default where none was given."""
        value = self._given.get(name, default)
        if isinstance(value, str) and value in allowed:
            return value
        self._problems.append(f"{name} cannot be '{value}', {nearest(str(value), allowed)}")
        return default

    def text(self, name: str) -> str:
        """A text that must be given."""
        value = self._given.get(name)
        if isinstance(value, str) and value:
            return value
        self._problems.append(f"needs {name}")
        return ""

    def check(self) -> None:
        """Raise UsageError naming every mistake found so far."""
        if self._problems:
            raise UsageError(f"first stage '{self._stage}' " + "; ".join(self._problems))
