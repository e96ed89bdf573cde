"""What a contender is given, and what it does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rerankbench.types import Candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The checkpoint, the folder of its exports, and the cores to use."""

    model: Path
    exports: Path
    threads: int


class Contender(Protocol):
    """A loaded model that scores raw texts and keeps nothing from one call to the next."""

    dtype: str
    settings: str
    """What was chosen for it, for the table's reader."""
    batch_size: int | None
    """Pairs in a batch; None where it has no such choice."""

    def score(self, candidates: Sequence[Candidates]) -> Sequence[float]:
        """One score a pair, higher is better, in the order of the candidates' documents."""
