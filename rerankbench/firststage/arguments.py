"""What a user may say about a first stage: `k1=0.9` from the command line, numbers from YAML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar, get_args

from annotated_types import Ge
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from rerankbench.errors import UsageError, nearest
from rerankbench.types import Json


class Arguments(BaseModel):
    """The arguments of one first stage by name, each a `Number`, a `Text` or a `Literal`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _refuse_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a flag is no number")
    return value


Number: TypeAlias = Annotated[float, BeforeValidator(_refuse_flag), Ge(0)]
"""From 0 on, also as text."""
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Stage = TypeVar("Stage", bound=Arguments)


def read(stage: str, given: Mapping[str, Json], kind: type[Stage]) -> Stage:
    """The arguments that a user gives. Raises UsageError naming every mistake in them."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        # First what is not known at all: it may be meant for what is missing.
        errors = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        problems = "; ".join(_explained(each, kind.model_fields) for each in errors)
        raise UsageError(f"first stage '{stage}' {problems}") from None


def _explained(error: ErrorDetails, known: Mapping[str, FieldInfo]) -> str:
    name, value = str(error["loc"][0]), error["input"]
    if name not in known:
        return f"has no argument '{name}', {nearest(name, known)}"
    field = known[name]
    if field.annotation is str:
        return f"needs {name}"
    if field.annotation is not float:
        return f"{name} cannot be '{value}', {nearest(str(value), get_args(field.annotation))}"
    most = next((each.le for each in field.metadata if hasattr(each, "le")), math.inf)
    span = "of at least 0" if most == math.inf else f"from 0 to {most:g}"
    return f"{name} is a number {span}, not '{value}'"
