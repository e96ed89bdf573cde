"""What pydantic finds is said by the place of the key, in words, one line a mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from rerankbench.errors import UsageError
from rerankbench.files.explain import validated


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Circle(_Strict):
    shape: Literal["circle"]
    radius: int = Field(ge=1)


class _Square(_Strict):
    shape: Literal["square"]
    width: int
    radius: None = None


@dataclass(frozen=True)
class _Colour:
    red: int = 0
    shade: Literal["dark", "light"] = "dark"


class _Drawing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shapes: list[Annotated[_Circle | _Square, Field(discriminator="shape")]] = Field(min_length=1)
    colour: _Colour | None = None
    labels: dict[str, int] = {}


SHAPES: list[dict[str, Any]] = [{"shape": "circle", "radius": 2}]


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"shapes": [{"shape": "circle", "radius": 0}]}, "'shapes[0].radius' must be greater"),
        (
            {"shapes": [*SHAPES, {"shape": "square", "widht": 1, "width": 1}]},
            "unknown key 'shapes[1].widht'; did you mean 'width'?",
        ),
        ({"shapes": [{"shape": "square"}]}, "'shapes[0].width' is missing; add it"),
        (
            {"shapes": [{"shape": "sqare"}]},
            "'shapes[0].shape' cannot be 'sqare'; did you mean 'sq",
        ),
        ({"shapes": [{}]}, "'shapes[0].shape' is missing; known: circle, square"),
        ({"shapes": []}, "'shapes': list should have at least 1 item"),
        ({"shapes": 3}, "'shapes' must be a valid list (given: 3)"),
        ({}, "'shapes' is missing; add it (or --shape)"),
        (
            {"shapes": SHAPES, "colour": {"shade": "x"}},
            "'colour.shade' must be one of dark, light",
        ),
        (
            {"shapes": SHAPES, "colour": {"rde": 1}},
            "unknown key 'colour.rde'; did you mean 'red'?",
        ),
        ({"shapes": SHAPES, "colour": {"red": "r"}}, "'colour.red' must be 0 to 255 (given: 'r')"),
        ({"shapes": SHAPES, "labels": {"radius": "r"}}, "'labels.radius' must be a valid integer"),
        ({"shapes": SHAPES, "circle": 1}, "unknown key 'circle'; known: colour, labels, shapes"),
    ],
)
def test_a_mistake_is_said_with_its_place_and_what_would_be_right(
    values: dict[str, Any], line: str
) -> None:
    expected, options = {"red": "0 to 255"}, {"shapes": "--shape"}
    with pytest.raises(UsageError) as caught:
        validated(_Drawing, values, "my.yaml", expected=expected, options=options)
    (told,) = str(caught.value).splitlines()
    assert told.startswith(f"my.yaml: {line}"), told


def test_every_mistake_is_said_once_under_the_error_that_is_asked_for() -> None:
    values = {"shapes": [{"shape": "circle", "radius": 0, "x": 1}], "y": 1}
    with pytest.raises(LookupError) as caught:
        validated(_Drawing, values, "m", raises=_OwnError)
    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == [
        "shapes[0].radius",
        "shapes[0].x",
        "y",
    ]


class _OwnError(UsageError, LookupError):
    pass


def test_what_is_right_comes_back_as_the_value() -> None:
    drawing = validated(_Drawing, {"shapes": SHAPES, "colour": {"red": 3}}, "m")
    assert (drawing.shapes[0].radius, drawing.colour) == (2, _Colour(red=3))
