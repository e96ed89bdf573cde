"""The speeds of two records, if they are comparable."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.results import derived
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """Speeds on one machine and device, A's and then B's; None if not measured."""

    docs_per_s: tuple[float | None, float | None]
    p50_ms: tuple[float | None, float | None]
    p95_ms: tuple[float | None, float | None]


def why_no_speeds(a: Record, b: Record) -> str:
    """Why the two speeds are not comparable; empty if they are."""
    if not (derived.is_timed(a) and derived.is_timed(b)):
        return "speed was not measured for both"
    if derived.setting(a) != derived.setting(b):
        return (
            "speeds compare only on one machine and device: "
            f"A ran on {derived.machine(a)}, B on {derived.machine(b)}"
        )
    return ""


def speeds_of(a: Record, b: Record) -> Speeds | None:
    """Both speeds; None if they are not comparable."""
    if why_no_speeds(a, b):
        return None
    return Speeds(
        docs_per_s=(derived.docs_per_s(a), derived.docs_per_s(b)),
        p50_ms=(derived.latency_ms(a, 50), derived.latency_ms(b, 50)),
        p95_ms=(derived.latency_ms(a, 95), derived.latency_ms(b, 95)),
    )
