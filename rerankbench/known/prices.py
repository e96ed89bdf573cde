"""Prices in a config."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from rerankbench.types import Price

_USUAL_PER: Mapping[str, float] = {"token": 1e6, "search": 1e3, "hour": 1.0}


def _completed(entry: Any) -> Any:
    """Fill in the usual `per` of the unit, and turn the day into text."""
    if isinstance(entry, Price):
        return entry
    if not isinstance(entry, Mapping):
        amount = entry if isinstance(entry, int | float) else 0.02
        raise ValueError(
            f"a price is written as {{amount: {amount}, unit: token, date: 2026-11-01}}: USD for "
            "a million tokens; unit search is for a thousand searches, hour for an hour "
            f"(given: {entry!r:.60})"
        )
    entry = dict(entry)
    if entry.get("per") is None:
        entry["per"] = _USUAL_PER.get(str(entry.get("unit")), 1.0)
    day = entry.get("date")
    # YAML reads a bare date as one; a date with a time is refused.
    if isinstance(day, date) and not isinstance(day, datetime):
        entry["date"] = day.isoformat()
    return entry


PriceEntry: TypeAlias = Annotated[Price, BeforeValidator(_completed)]
"""A price; `per` is a million tokens, a thousand searches or one hour unless it is given."""
