"""What is known of rerankers by name, from `data/models.yaml`.

Facts only, each from a source; one that no source settles is None. Nothing here loads a model.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from rerankbench.errors import InputError, UsageError, nearest
from rerankbench.types import Price

_UNITS_PRICED: Mapping[str, float] = {"token": 1e6, "search": 1e3, "hour": 1.0}
"""How many units a list price is for."""
_DATE = re.compile(r"\d{4}-\d{2}(-\d{2})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownModel:
    """One reranker of the field's tables.

    `name` is its hub id, or what its API calls it; `parameters` counts numbers in the weights;
    `max_length` is in tokens, query and document together; `licence` is SPDX's name or
    `proprietary`; `released` is YYYY-MM-DD or YYYY-MM. None is not known, never zero.
    """

    name: str
    family: str
    parameters: int | None = None
    max_length: int | None = None
    licence: str | None = None
    released: str | None = None
    provider: str | None = None
    price: Price | None = None
    aliases: tuple[str, ...] = ()
    note: str = ""
    source: str | None = None

    @property
    def spellings(self) -> frozenset[str]:
        """All that names it, in lower case: name and aliases, whole and behind their last /."""
        whole = [each.casefold() for each in (self.name, *self.aliases)]
        return frozenset(whole + [each.rpartition("/")[2] for each in whole])


@cache
def known() -> tuple[KnownModel, ...]:
    """All known models, in the order of the file."""
    path = files("rerankbench").joinpath("known", "models.yaml")
    return parse(path.read_text(encoding="utf-8"), str(path))


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


def parse(text: str, source: str) -> tuple[KnownModel, ...]:
    """The models that a YAML list describes; raises InputError that names the entry."""
    import yaml

    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: month 13
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise InputError(source, "not YAML", line=line, remedy="mend the YAML") from None
    if not isinstance(entries, list):
        raise InputError(source, "is no list of models", remedy="begin each with `- name:`")
    models: list[KnownModel] = []
    taken: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            model = KnownModel(**_checked(entry, _FIELDS, required=("name", "family")))
            for spelling in sorted(model.spellings):
                if spelling in taken:
                    raise ValueError(f"'{spelling}' already names {taken[spelling]}")
        except ValueError as error:
            name = entry.get("name", "") if isinstance(entry, dict) else ""
            place = f"model {number}{f' ({name})' if name else ''}"
            raise InputError(source, f"{place}: {error}", remedy="mend that entry") from None
        taken |= dict.fromkeys(model.spellings, model.name)
        models.append(model)
    return tuple(models)


def _checked(
    entry: Any, fields: Mapping[str, Callable[[Any], Any]], *, required: tuple[str, ...]
) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise ValueError("is no mapping of keys to values")
    for key in entry:
        if key not in fields:
            raise ValueError(f"unknown key '{key}'; {nearest(str(key), fields)}")
    missing = [key for key in required if key not in entry]
    if missing:
        raise ValueError(f"has no {' and no '.join(missing)}")
    checked: dict[str, Any] = {}
    for key, value in entry.items():
        try:
            checked[key] = fields[key](value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    return checked


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is no text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is no list")
    return tuple(_text(each) for each in value)


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{value!r} is no positive whole number")
    return value


def _amount(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise ValueError(f"{value!r} is no positive number")
    return float(value)


def _date(value: Any) -> str:
    text = str(value)  # YAML reads YYYY-MM-DD as a date and YYYY-MM as text.
    if not _DATE.fullmatch(text):
        raise ValueError(f"'{text}' is neither YYYY-MM-DD nor YYYY-MM")
    datetime.date.fromisoformat(text if len(text) == 10 else f"{text}-01")
    return text


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"'{value}' is none of {', '.join(choices)}")
        return str(value)

    return check


def _url(value: Any) -> str:
    if not _text(value).startswith("https://"):
        raise ValueError(f"'{value}' does not begin with https://")
    return str(value)


def _price(value: Any) -> Price:
    checked = _checked(value, _PRICE_FIELDS, required=("amount", "currency", "unit"))
    return Price(date=checked.pop("as_of", None), per=_UNITS_PRICED[checked["unit"]], **checked)


_PRICE_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "amount": _amount,
    "currency": _text,
    "unit": _one_of(*_UNITS_PRICED),
    "as_of": _date,
}
_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "name": _text,
    "family": _text,
    "parameters": _count,
    "max_length": _count,
    "licence": _text,
    "released": _date,
    "provider": _text,
    "price": _price,
    "aliases": _texts,
    "note": _text,
    "source": _url,
}
