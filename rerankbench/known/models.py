"""What is known of rerankers by name, from `models.yaml`.

Facts only, each from a source; one that no source settles is None. Nothing here loads a model.
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
    """One reranker of the field's tables.

    `name` is its hub id, or what its API calls it; `parameters` counts numbers in the weights;
    `max_length` is in tokens, query and document together; `licence` is SPDX's name or
    `proprietary`; `released` is YYYY-MM-DD or YYYY-MM. None is not known, never zero.
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
        """All that names it, in lower case: name and aliases, whole and behind their last /."""
        whole = [each.casefold() for each in (self.name, *self.aliases)]
        return frozenset(whole + [each.rpartition("/")[2] for each in whole])


@cache
def known() -> tuple[KnownModel, ...]:
    """All known models, in the order of the file."""
    return read(Path(__file__).with_name("models.yaml"))


def find(name: str) -> KnownModel | None:
    """The model of that name, in whatever case, with its organisation or without; else None."""
    return _by_spelling().get(name.strip().casefold())


def matching(text: str) -> tuple[KnownModel, ...]:
    """The models with `text` in a name, the provider or the family; UsageError for none."""
    wanted = text.casefold()
    found = tuple(
        each
        for each in known()
        if any(
            wanted in field.casefold()
            for field in (each.name, *each.aliases, each.provider or "", each.family)
        )
    )
    if not found:
        remedy = "give a part of a name, provider or family, such as bge, Cohere or monot5"
        raise UsageError(f"no known model has '{text}' in its name; {remedy}")
    return found


@cache
def _by_spelling() -> Mapping[str, KnownModel]:
    return {spelling: each for each in known() for spelling in each.spellings}


def read(path: Path) -> tuple[KnownModel, ...]:
    """The models that a YAML list describes. Raises InputError, or ConfigError for mistakes."""
    return validated(tuple[KnownModel, ...], read_yaml(path), path)
