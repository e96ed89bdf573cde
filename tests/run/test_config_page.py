"""Every key of a config is described, its example is taken, and the page shows both.

`python -m tests.run.test_config_page` writes the tables in the page anew.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

import pytest
import yaml
from annotated_types import Ge, Gt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rerankbench.errors import ConfigError
from rerankbench.run import config
from rerankbench.run.config import (
    DatasetConfig,
    FirstStageConfig,
    ModelConfig,
    RunConfig,
    SpeedConfig,
)
from rerankbench.run.fusion import Fusion
from rerankbench.types import Price

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "config.md"
START = "<!-- written by python -m tests.run.test_config_page -->\n"
LEAST: Mapping[str, Any] = {"datasets": ["demo"], "models": ["bm25"]}
PARTS: Mapping[type[BaseModel], str] = {
    RunConfig: "A run",
    DatasetConfig: "`datasets`",
    ModelConfig: "`models`",
    FirstStageConfig: "`first_stages`",
    SpeedConfig: "`speed`",
}
SHORT: Mapping[type[BaseModel], str] = {
    DatasetConfig: "The name alone is enough: `datasets: [scifact]`.",
    ModelConfig: "The name alone is enough: `models: [bm25]`.",
    FirstStageConfig: "The name alone is enough: `first_stages: [bm25]`. Other keys are its "
    "[arguments](recipes.md#first-stage-bm25).",
}
WORDS: Mapping[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "`true` or `false`",
    Path: "a path",
}
FUSION: Mapping[str, Any] = {"method": "linear", "k": 20, "weight": 0.7}
PRICE: Mapping[str, tuple[str, Any]] = {
    "amount": ("how much", 0.02),
    "unit": ("what is paid for", "search"),
    "per": (
        "for how many of them; unless named a million tokens, a thousand searches or one hour",
        1000,
    ),
    "date": ("as of which day or month", "2026-11-01"),
    "currency": ("three capital letters", "EUR"),
}


class Key(NamedTuple):
    """A row of a table."""

    name: str
    kind: str
    default: str
    example: Any
    description: str


def _keys(part: type[BaseModel]) -> Iterator[Key]:
    for name, field in part.model_fields.items():
        assert field.description, name
        yield Key(name, _kind(field), _default(field), _example(field), field.description)


def _example(field: FieldInfo) -> Any:
    (example,) = field.examples or []
    return example


def _fusion() -> Iterator[Key]:
    hints = Fusion.__annotations__.keys()
    fields = {field.name: field for field in dataclasses.fields(Fusion)}
    described = _schema()["$defs"]["Fusion"]["properties"]
    for name in hints:
        default = fields[name].default
        kind = {"k": "a whole number, 1 or more", "weight": "a number, 0 to 1"}.get(name)
        kind = kind or " or ".join(f"`{each}`" for each in ("rrf", "linear"))
        yield Key(name, kind, f"`{default}`", FUSION[name], described[name]["description"])


def _price() -> Iterator[Key]:
    kinds = {"unit": "`token`, `search` or `hour`", "date": "a date", "currency": "a text"}
    for field in dataclasses.fields(Price):
        words, example = PRICE[field.name]
        default = "`USD`" if field.name == "currency" else ""
        if field.name in ("amount", "unit", "date"):
            default = "*needed*"
        yield Key(field.name, kinds.get(field.name, "a number"), default, example, words)


def _schema() -> dict[str, Any]:
    return RunConfig.model_json_schema()


def _kind(field: FieldInfo) -> str:
    words = _words(field.annotation)
    least = [each.ge for each in field.metadata if isinstance(each, Ge)]
    if least:
        words = f"{words}, {least[0]} or more"
    return words + (", above 0" if any(isinstance(each, Gt) for each in field.metadata) else "")


def _words(kind: Any) -> str:
    if kind in WORDS:
        return WORDS[kind]
    if kind in PARTS or kind in (Fusion, Price):
        return f"[keys](#{_anchor(kind)})"
    origin, inside = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _words(inside[0])
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in inside)
    if origin is tuple:
        return "a list of texts" if inside[0] is str else f"a list of names or {_words(inside[0])}"
    if origin is Mapping:
        return "keys"
    return " or ".join(_words(each) for each in inside if each is not type(None))


def _anchor(kind: Any) -> str:
    title = PARTS.get(kind) or {Fusion: "`fusion`", Price: "`price`"}[kind]
    return re.sub(r"[^\w]+", "-", title.strip("`").lower())


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*needed*"
    if field.default in (None, {}):
        return ""
    if isinstance(field.default, BaseModel):
        return "its keys' own"
    default = field.default
    if isinstance(default, tuple):
        default = [getattr(each, "name", each) for each in default]
    return f"`{_flow(str(default) if isinstance(default, Path) else default)}`"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("\n").removesuffix("\n...")


def _line(key: Key) -> str:
    return f"{key.name}: {_flow(key.example)}"


def _table(keys: Iterator[Key]) -> str:
    rows = "| key | is | unless named | example | |\n|---|---|---|---|---|\n"
    for key in keys:
        shown = f"{key.kind} | {key.default} | `{_line(key)}` | {key.description}"
        rows += f"| `{key.name}` | {shown} |\n"
    return rows


def _page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    parts = []
    for part, title in PARTS.items():
        short = f"{SHORT[part]}\n\n" if part in SHORT else ""
        parts.append(f"\n## {title}\n\n{short}{_table(_keys(part))}")
    parts.append(f"\n## `fusion`\n\n{_table(_fusion())}")
    parts.append(f"\n## `price`\n\n{_table(_price())}")
    return text[: text.index(START)] + START + "".join(parts)


def _around(part: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """The least config in which that part has those keys."""
    if part is RunConfig:
        return {**LEAST, **given}
    if part is SpeedConfig:
        return {**LEAST, "speed": dict(given)}
    place, name = {
        DatasetConfig: ("datasets", "id"),
        ModelConfig: ("models", "model"),
        FirstStageConfig: ("first_stages", "name"),
    }[part]
    return {**LEAST, place: [{name: "bm25", **given}]}


EVERY_KEY = [
    pytest.param(part, key, id=f"{part.__name__}.{key.name}")
    for part in PARTS
    for key in _keys(part)
]


def test_the_page_shows_every_key() -> None:
    assert _page() == PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(("part", "key"), EVERY_KEY)
def test_an_example_as_it_stands_on_the_page_is_taken_and_changes_something(
    part: type[BaseModel], key: Key
) -> None:
    value = yaml.safe_load(_line(key))[key.name]
    assert value == key.example
    changed = config.validated(_around(part, {key.name: value}), "the page")
    without = config.validated(_around(part, {}), "the page")
    assert (changed != without) == (key.default != "*needed*" or value != "bm25")
    with pytest.raises(ConfigError, match=key.name):
        config.validated(_around(part, {key.name: object()}), "the page")


@pytest.mark.parametrize("key", [*_fusion()], ids=lambda key: key.name)
def test_examples_of_fusion_are_taken(key: Key) -> None:
    model = {"model": "bm25", "fusion": {key.name: key.example}}
    (taken,) = config.validated({**LEAST, "models": [model]}, "the page").models
    assert getattr(taken.fusion, key.name) == key.example != getattr(Fusion(), key.name)


def test_the_keys_of_a_price_make_one_and_those_needed_are_needed() -> None:
    keys = {key.name: key for key in _price()}

    def price(without: str = "") -> Price | None:
        given = {name: key.example for name, key in keys.items() if name != without}
        models = [{"model": "bm25", "price": given}]
        return config.validated({**LEAST, "models": models}, "the page").models[0].price

    assert dataclasses.asdict(price() or Price(amount=0, unit="hour", per=1, date=None)) == {
        name: key.example for name, key in keys.items()
    }
    for name, key in keys.items():
        if key.default == "*needed*":
            with pytest.raises(ConfigError, match=name):
                price(without=name)
        else:
            assert price(without=name)


if __name__ == "__main__":
    PAGE.write_text(_page(), encoding="utf-8")
