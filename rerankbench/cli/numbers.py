"""Checks of numbers on the command line that typer does not make."""

from __future__ import annotations

import math

import typer


def finite(value: float | None) -> float | None:
    """Refuse nan and inf, which pass comparisons with minimum and maximum."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value
