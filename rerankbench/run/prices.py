"""What a config says of a model's price."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from rerankbench.types import Price, PriceUnit

_UNITS_PRICED: Mapping[PriceUnit, float] = {"token": 1e6, "search": 1e3, "hour": 1.0}


def _is_day(text: str) -> str:
    if date.fromisoformat(text).isoformat() != text:
        raise ValueError("not of the form YYYY-MM-DD")
    return text


def _iso(value: Any) -> Any:
    """YAML reads a bare date as a date; a moment or a number is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return value


class PriceConfig(BaseModel):
    """What a model costs: `amount` for every `per` units, with the day on which that held.

    `per` is a million tokens, a thousand searches or one hour unless it is given.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    amount: float = Field(ge=0, le=1e15, allow_inf_nan=False)
    unit: PriceUnit
    per: float | None = Field(default=None, ge=1e-9, le=1e15, allow_inf_nan=False)
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    date: Annotated[str, BeforeValidator(_iso), AfterValidator(_is_day)]

    @property
    def value(self) -> Price:
        """The price as records keep it."""
        return Price(
            amount=self.amount,
            unit=self.unit,
            per=self.per or _UNITS_PRICED[self.unit],
            date=self.date,
            currency=self.currency,
        )
