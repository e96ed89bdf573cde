"""Facts about rerankers by name, from `models.yaml`.

Facts only, each from a source; unknown ones are None. Nothing here loads a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, StringConstraints, with_config

from rerankbench.errors import UsageError
from rerankbench.files.explain import validated
from rerankbench.files.yaml_file import read_yaml
from rerankbench.known.prices import PriceEntry
from rerankbench.types import Date, Positive


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One known reranker.

    `name` is its hub id, or its name at an API; `parameters` counts numbers in the weights;
    `max_length` is in tokens, query and document together; `licence` is SPDX's name or
    `proprietary`; `released` is YYYY-MM-DD or YYYY-MM. None means unknown, never zero.
    """

    name: str
    family: str
    parameters: Positive | None = None
    max_length: Positive | None = None
    licence: str | None = None
    released: Annotated[Date, BeforeValidator(str)] | None = None  # YAML reads a day as a date.
    provider: str | None = None
    price: PriceEntry | None = None
    aliases: tuple[str, ...] = ()
    note: str = ""
    source: Annotated[str, StringConstraints(pattern="^https://")] | None = None

    @property
    def spellings(self) -> frozenset[str]:
        """All its names in lower case: name and aliases, in full and after the last /."""
        full_names = [name.casefold() for name in (self.name, *self.aliases)]
        return frozenset(full_names + [name.rpartition("/")[2] for name in full_names])


@cache
def known() -> tuple[KnownModel, ...]:
    """All known models, in the order of the file."""
    return read(Path(__file__).with_name("models.yaml"))


def find(name: str) -> KnownModel | None:
    """The model of that name, in any case, with or without its organisation; else None."""
    return _by_spelling().get(name.strip().casefold())


def matching(text: str) -> tuple[KnownModel, ...]:
    """The models with `text` in a name, the provider or the family; UsageError for none."""
    wanted = text.casefold()
    matches = tuple(
        model
        for model in known()
        if any(
            wanted in field.casefold()
            for field in (model.name, *model.aliases, model.provider or "", model.family)
        )
    )
    if not matches:
        remedy = "give a part of a name, provider or family, such as bge, Cohere or monot5"
        raise UsageError(f"no known model has '{text}' in its name; {remedy}")
    return matches


@cache
def _by_spelling() -> Mapping[str, KnownModel]:
    return {spelling: model for model in known() for spelling in model.spellings}


def read(path: Path) -> tuple[KnownModel, ...]:
    """The models that a YAML list describes. Raises InputError, or ConfigError for mistakes."""
    return validated(tuple[KnownModel, ...], read_yaml(path), path)
