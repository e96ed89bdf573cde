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
    if not isinstance(entry, Mapping):
        return entry
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
