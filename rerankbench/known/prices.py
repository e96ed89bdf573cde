"""A price as people write it in YAML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator

from rerankbench.types import Price

_USUAL_PER: Mapping[str, float] = {"token": 1e6, "search": 1e3, "hour": 1.0}


def _completed(entry: Any) -> Any:
    """With what is usual for the unit where `per` is not given, and the date as text."""
    if not isinstance(entry, Mapping):
        return entry
    entry = dict(entry)
    if entry.get("per") is None:
        entry["per"] = _USUAL_PER.get(str(entry.get("unit")), 1.0)
    day = entry.get("date")
    # YAML reads a bare date as one; a moment is none.
    if isinstance(day, date) and not isinstance(day, datetime):
        entry["date"] = day.isoformat()
    return entry


PriceEntry: TypeAlias = Annotated[Price, BeforeValidator(_completed)]
"""A price; `per` is a million tokens, a thousand searches or one hour unless it is given."""
