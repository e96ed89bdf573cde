"""What is wrong in values that people write: one line for each mistake that pydantic finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError

from rerankbench.errors import ConfigError, UsageError, nearest
from rerankbench.files.plain_names import FORM, FORM_IN_WORDS

Checked = TypeVar("Checked")

_MOST = 100
"""Explaining one searches for the nearest name; nobody mends more at once."""
_UNKNOWN_KEYS = ("extra_forbidden", "unexpected_keyword_argument")
_UNKNOWN_KINDS = ("union_tag_invalid", "union_tag_not_found")
_NOTHING: Mapping[str, str] = {}


def validated(
    kind: type[Checked],
    values: Any,
    source: object,
    *,
    expected: Mapping[str, str] = _NOTHING,
    options: Mapping[str, str] = _NOTHING,
    raises: type[UsageError] = ConfigError,
) -> Checked:
    """The values as a model or dataclass of pydantic.

    `expected` says in words what a key must be, where its type does not; `options` what else gives
    a missing one. Raises `raises` with a line for every mistake, each beginning with the source.
    """
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        lines = mistakes(error, kind, expected=expected, options=options)
        raise raises("\n".join(f"{source}: {line}" for line in lines)) from None


def named_by(key: str) -> BeforeValidator:
    """Let a plain text stand for a mapping with that one key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


def mistakes(
    error: ValidationError,
    kind: Any,
    *,
    expected: Mapping[str, str] = _NOTHING,
    options: Mapping[str, str] = _NOTHING,
) -> list[str]:
    """A line for each mistake in values of that kind; see `validated`."""
    errors = error.errors(include_url=False)
    # pydantic leaves wrong entries out before it counts them: a list of those is not empty.
    inside = {item["loc"][:end] for item in errors for end in range(len(item["loc"]))}
    return list(
        dict.fromkeys(
            line
            for item in errors[:_MOST]
            if not (item["type"] == "too_short" and item["loc"] in inside)
            for line in _lines(dict(item), kind, expected, options)
        )
    )


def _lines(
    error: Mapping[str, Any], kind: Any, expected: Mapping[str, str], options: Mapping[str, str]
) -> Iterator[str]:
    location, problem_type, context = error["loc"], error["type"], error.get("ctx", {})
    place, classes = _at(kind, location)
    name = str(location[-1]) if location else ""
    if problem_type in _UNKNOWN_KEYS:
        known = {key for model in _at(kind, location[:-1])[1] for key in _fields(model)}
        yield f"unknown key '{place}'; {nearest(name, known)}"
    elif problem_type == "missing":
        option = f" (or {options[place]})" if place in options else ""
        yield f"'{place}' is missing; add it{option}"
    elif problem_type in _UNKNOWN_KINDS:
        key = context["discriminator"].strip("'")
        kinds = [text for model in classes for text in get_args(_fields(model)[key])]
        stated = f"cannot be '{context['tag']}'" if "tag" in context else "is missing"
        yield f"'{place}.{key}' {stated}; {nearest(context.get('tag', ''), kinds)}"
    elif problem_type == "value_error":
        prefix = f"{place}: " if place else ""
        yield from (f"{prefix}{line}" for line in str(context["error"]).splitlines())
    else:
        stated = "" if isinstance(error["input"], dict) else f" (given: {error['input']!r:.60})"
        yield f"'{place}'{_reason(error, expected.get(name))}{stated}"


def _reason(error: Mapping[str, Any], expected: str | None) -> str:
    message: str = error["msg"]
    if expected and error["type"] != "too_short":
        return f" must be {expected}"
    if error["type"] == "string_pattern_mismatch" and error["ctx"]["pattern"] == FORM:
        return f" must be {FORM_IN_WORDS}"
    if error["type"] == "literal_error":
        known = str(error["ctx"]["expected"]).replace(" or ", ", ").replace("'", "")
        return f" must be one of {known}"
    start = "Input should be "
    if message.startswith(start):
        return f" must be {message.removeprefix(start)}"
    return f": {message[:1].lower()}{message[1:]}"


def _at(kind: Any, location: tuple[int | str, ...]) -> tuple[str, list[type]]:
    """A place as people write it, `tables[0].columns[2].align`, and the classes of what is there.

    Between the number of an entry and its key pydantic names which of several classes it is.
    """
    text, classes = "", _classes(kind)
    for step in location:
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        chosen = [
            candidate
            for candidate in classes
            if any(step in get_args(x) for x in _fields(candidate).values())
        ]
        if len(classes) > 1 and chosen:
            classes = chosen
            continue
        text += f".{step}" if text else step
        classes = [x for candidate in classes for x in _classes(_fields(candidate).get(step))]
    return text, classes


def _classes(annotation: Any) -> list[type]:
    """The models and dataclasses that an annotation names."""
    if isinstance(annotation, type) and (
        issubclass(annotation, BaseModel) or is_dataclass(annotation)
    ):
        return [annotation]
    return [inner for part in get_args(annotation) for inner in _classes(part)]


def _fields(kind: type) -> Mapping[str, Any]:
    """The keys of a model or dataclass, and what each may be."""
    if issubclass(kind, BaseModel):
        return {name: field.annotation for name, field in kind.model_fields.items()}
    return get_type_hints(kind)
