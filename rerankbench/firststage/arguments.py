"""Arguments of first stages: `k1=0.9` from the command line, numbers from YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from annotated_types import Ge
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from rerankbench.errors import UsageError
from rerankbench.files.explain import validated
from rerankbench.types import Json


class Arguments(BaseModel):
    """The arguments of one first stage by name, each a `Number`, a `Text` or a `Literal`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _refuse_flag(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a flag is no number")
    return value


Number: TypeAlias = Annotated[float, BeforeValidator(_refuse_flag), Ge(0)]
"""From 0 on, also given as text."""
Text: TypeAlias = Annotated[str, Field(min_length=1)]
Stage = TypeVar("Stage", bound=Arguments)


def read(stage: str, given: Mapping[str, Json], kind: type[Stage]) -> Stage:
    """The arguments that a user gives. Raises UsageError naming every mistake in them."""
    return validated(kind, dict(given), f"first stage '{stage}'", raises=UsageError)
