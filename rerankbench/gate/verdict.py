"""The whole gate: matched cells, verdicts, drift, and the conclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rerankbench.errors import UsageError
from rerankbench.gate import quality, speed
from rerankbench.gate.cells import CellName, match
from rerankbench.gate.drift import Drift, drift
from rerankbench.gate.limits import Limits
from rerankbench.gate.quality import QualityVerdict
from rerankbench.gate.speed import Remeasurement, SpeedVerdict
from rerankbench.types import Record

Conclusion: TypeAlias = Literal["passed", "unclear", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The result of a gate: `missing` cells are only in the base, `added` ones in the new."""

    limits: Limits
    quality: tuple[QualityVerdict, ...]
    speed: tuple[SpeedVerdict, ...]
    drift: tuple[Drift, ...]
    missing: tuple[CellName, ...]
    added: tuple[CellName, ...]

    @property
    def conclusion(self) -> Conclusion:
        """`failed` if a cell failed, was refused or is missing.

        `unclear` if nothing failed, but something was measured too little to tell.
        """
        outcomes: set[str] = {verdict.outcome for verdict in self.quality}
        outcomes |= {verdict.outcome for verdict in self.speed}
        if self.missing or outcomes & {"failed", "refused"}:
            return "failed"
        return "unclear" if "unclear" in outcomes else "passed"


def compare(
    base: Sequence[Record],
    new: Sequence[Record],
    limits: Limits,
    *,
    remeasured: Mapping[CellName, Remeasurement] | None = None,
) -> Gate:
    """Compare new records with the base. Raises UsageError where no cell is in both."""
    matched = match(base, new)
    if not matched.both:
        raise UsageError(
            "no cell is in both sets (cells are matched by collection, first stage, depth and "
            "reranker); name results of the same config"
        )
    return Gate(
        limits=limits,
        quality=quality.judge(matched.both, limits.drops),
        speed=speed.judge(matched.both, limits, remeasured),
        drift=drift(matched.both),
        missing=matched.missing,
        added=matched.added,
    )
