"""Recipes: what a config may say of how one model scores, a strict pydantic model a family."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from rerankbench.errors import UsageError, nearest
from rerankbench.protocols import RerankerSpec


def _listed(value: Any) -> Any:
    return (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value
    )


Texts: TypeAlias = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One text, or a list of them."""
LabelName: TypeAlias = bool | int | str
"""A label's name or index; YAML reads `yes` and `no` as true and false."""
_KINDS: Mapping[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    Texts: "a text or a list of texts",
    LabelName: "a label's name or its index",
}


class Recipe(BaseModel):
    """A family's settings by name; this one has none."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_nothing(cls, value: Any) -> Any:
        """A key without a value is a mistake, not a key that was left out."""
        if value is None:
            raise PydanticCustomError("nothing", "nothing is given")
        return value


class ClassifierRecipe(Recipe):
    """How a classifier reads a pair, and which of its labels is scored."""

    label: LabelName | None = Field(None, description="the label that is scored")
    query_prompt: str | None = Field(None, description="stands before the query")


Family = TypeVar("Family", bound=Recipe)


def read(spec: RerankerSpec, kind: type[Family]) -> Family:
    """The recipe that a config gives a model. Raises UsageError for the first mistake in it."""
    try:
        return kind.model_validate({str(key): value for key, value in spec.recipe.items()})
    except ValidationError as error:
        problem = _explained(error.errors(include_url=False)[0], kind)
        raise UsageError(f"{spec.model}: {problem}") from None


def one_of(names: Collection[str]) -> AfterValidator:
    """A text that must be one of these names."""

    def check(value: str, info: ValidationInfo) -> str:
        if value not in names:
            raise ValueError(f"no {info.field_name} '{value}'; {nearest(value, names)}")
        return value

    return AfterValidator(check)


def _explained(error: ErrorDetails, kind: type[Recipe]) -> str:
    known = kind.model_fields
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    key = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"unknown recipe key '{key}'; " + (
            nearest(key, known) if known else "its family takes none"
        )
    beyond = error["type"] in ("greater_than_equal", "less_than_equal")
    what = bounds(known[key]) if beyond else kind_of(known[key])
    return f"recipe key '{key}' must be {what} (given: {error['input']!r:.60})"


def kind_of(field: FieldInfo) -> str:
    """The allowed values of a setting, in words."""
    return next(words for kind, words in _KINDS.items() if field.annotation in (kind, kind | None))


def bounds(field: FieldInfo) -> str:
    """How small and how large a number may be, in words."""
    least = next(each.ge for each in field.metadata if hasattr(each, "ge"))
    most = next((each.le for each in field.metadata if hasattr(each, "le")), math.inf)
    return f"{least:g} or more" if most == math.inf else f"{least:g} to {most:g}"
