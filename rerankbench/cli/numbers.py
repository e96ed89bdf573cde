"""What numbers on the command line may be, beyond what typer checks."""

from __future__ import annotations

import math

import typer


def finite(value: float | None) -> float | None:
    """Refuse nan and inf, which pass every comparison with a least and a largest value."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no finite number.")
    return value
