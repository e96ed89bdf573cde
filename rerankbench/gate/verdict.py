"""The whole gate: matched cells, verdicts, drift, and the conclusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from rerankbench.errors import UsageError
from rerankbench.gate import quality, speed
from rerankbench.gate.cells import CellName, Change, match
from rerankbench.gate.drift import Drift, drift
from rerankbench.gate.limits import Limits
from rerankbench.gate.quality import QualityVerdict
from rerankbench.gate.speed import Remeasurement, SpeedVerdict
from rerankbench.results import derived
from rerankbench.types import Record

Conclusion: TypeAlias = Literal["passed", "unclear", "failed"]
TextsOf: TypeAlias = Callable[[Record], Mapping[str, str]]
"""The texts of a record's queries by query_id, as far as they were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What a gate found. `missing` cells are in the base alone, `added` ones in the new alone.

    `untimed` are cells of models whose speed counts and was not measured on both sides. `places`
    are where the records of base and new lie; None where they are gone.
    """

    limits: Limits
    quality: tuple[QualityVerdict, ...]
    speed: tuple[SpeedVerdict, ...]
    drift: tuple[Drift, ...]
    missing: tuple[CellName, ...]
    added: tuple[CellName, ...]
    untimed: tuple[CellName, ...] = ()
    places: tuple[Path, Path] | None = None

    @property
    def compares_speed(self) -> bool:
        """Whether the speed of any cell was measured on both sides, and counts."""
        return any(verdict.kind == "docs/s" for verdict in self.speed)

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
    texts_of: TextsOf | None = None,
    places: tuple[Path, Path] | None = None,
) -> Gate:
    """Hold the new records against the base. Raises UsageError where no cell is in both.

    Queries that lost much get their texts, where `texts_of` knows them.
    """
    matched = match(base, new)
    if not matched.both:
        raise UsageError(
            "no cell is in both sets (cells are matched by collection, first stage, depth and "
            "reranker); name results of the same config"
        )
    by_quality = quality.judge(matched.both, limits.drops)
    by_speed = speed.judge(matched.both, limits, remeasured)
    if texts_of is not None:
        records = {change.name: change.new for change in matched.both}
        by_quality = tuple(_with_texts(each, records[each.name], texts_of) for each in by_quality)
    return Gate(
        limits=limits,
        quality=by_quality,
        speed=by_speed,
        drift=drift(matched.both),
        missing=matched.missing,
        added=matched.added,
        untimed=_untimed(matched.both, by_speed) if limits.slowdown is not None else (),
        places=places,
    )


def _with_texts(verdict: QualityVerdict, record: Record, texts_of: TextsOf) -> QualityVerdict:
    """Only verdicts that somebody will look into: reading texts takes time."""
    if verdict.outcome not in ("failed", "unclear") or not verdict.worst:
        return verdict
    texts = texts_of(record)
    worst = tuple(replace(query, text=texts.get(query.query_id)) for query in verdict.worst)
    return replace(verdict, worst=worst)


def _untimed(changes: Sequence[Change], verdicts: Sequence[SpeedVerdict]) -> tuple[CellName, ...]:
    """First stages, imported runs and the like have no speed."""
    timed = {verdict.name for verdict in verdicts if verdict.kind == "docs/s"}
    return tuple(
        change.name
        for change in changes
        if change.name not in timed
        and not derived.is_baseline(change.new)
        and not derived.is_imported(change.new)
    )
