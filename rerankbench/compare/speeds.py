"""The speeds of two records, where they may stand side by side."""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench import figures
from rerankbench.types import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Speeds:
    """Speeds under one machine and device, A's and then B's; None was not measured."""

    docs_per_s: tuple[float | None, float | None]
    p50_ms: tuple[float | None, float | None]
    p95_ms: tuple[float | None, float | None]


def why_no_speeds(a: Record, b: Record) -> str:
    """Why the two speeds must not stand side by side; empty where they may."""
    if not (figures.is_timed(a) and figures.is_timed(b)):
        return "speed was not measured for both"
    if figures.setting(a) != figures.setting(b):
        return (
            "speeds compare only on one machine and device: "
            f"A ran on {figures.machine(a)}, B on {figures.machine(b)}"
        )
    return ""


def speeds_of(a: Record, b: Record) -> Speeds | None:
    """Both speeds; None where they must not stand side by side."""
    if why_no_speeds(a, b):
        return None
    return Speeds(
        docs_per_s=(figures.docs_per_s(a), figures.docs_per_s(b)),
        p50_ms=(figures.latency_ms(a, 50), figures.latency_ms(b, 50)),
        p95_ms=(figures.latency_ms(a, 95), figures.latency_ms(b, 95)),
    )
