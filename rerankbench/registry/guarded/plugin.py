"""What is required of plug-ins of every kind, and the errors if they fail."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rerankbench.errors import PluginError, RerankbenchError, show_traceback

_Value = TypeVar("_Value")


class Plugin:
    """A plug-in's name in messages, such as `reranker 'mine' of my-package`."""

    def __init__(self, label: str) -> None:
        """`label` begins every message."""
        self._told = label

    def wrong(self, what: str) -> PluginError:
        """An error to raise."""
        return PluginError(f"{self._told}: {what}; mend the plug-in, or uninstall it")

    def call(self, name: str, function: Any, *arguments: Any, **named: Any) -> Any:
        """The result of a plug-in's function. Raises PluginError for anything it raises."""
        if not callable(function):
            raise self.wrong(f"its {name} is not a function but {kind_of(function)}")
        try:
            return function(*arguments, **named)
        except (Exception, SystemExit) as error:
            raise self._raised(name, error) from error

    def items_of(self, name: str, iterable: Any) -> Iterator[Any]:
        """The items of a plug-in's iterable, read on demand."""
        if not hasattr(iterable, "__iter__"):
            raise self.wrong(f"{name} gave {kind_of(iterable)}, which cannot be iterated")
        try:
            yield from iterable
        except (Exception, SystemExit) as error:
            raise self._raised(name, error) from error

    def having(self, what: str, found: Any, names: Sequence[str]) -> None:
        """Check that an object has all these attributes."""
        for name in names:
            try:
                is_there = hasattr(found, name)
            except (Exception, SystemExit) as error:  # A property may do anything.
                raise self._raised(f"the '{name}' of what {what} gave", error) from error
            if not is_there:
                raise self.wrong(f"{what} gave {kind_of(found)}, which has no '{name}'")

    def being(self, name: str, value: Any, kind: type[_Value]) -> _Value:
        """Check the type of a value."""
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(f"{name} must give {kind.__name__}, and gave {kind_of(value)}")
        return value

    def _raised(self, name: str, error: BaseException) -> RerankbenchError:
        if isinstance(error, RerankbenchError):
            return error  # Raised on purpose.
        show_traceback(error)
        reason = (str(error).strip().splitlines() or [""])[0][:100]
        description = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        return self.wrong(f"{name} raised {description} (RERANKBENCH_TRACEBACK=1 shows where)")


def kind_of(value: Any) -> str:
    """A value of the wrong kind, as messages name it."""
    return "None" if value is None else f"a {type(value).__name__}"


def texts_of(plugin: Plugin, name: str, texts: Any) -> list[str]:
    """Check texts from a plug-in. Raises PluginError."""
    if isinstance(texts, str):
        raise plugin.wrong(f"{name} must give several texts, and gave one")
    return [plugin.being(name, text, str) for text in plugin.items_of(name, texts)]


def check_fields(plugin: Plugin, name: str, instance: Any) -> None:
    """Check that each field of one of the project's dataclasses has its declared type.

    Records contain them, and invalid ones could not be read again. Raises PluginError.
    """
    for field, kind in get_type_hints(type(instance), include_extras=True).items():
        value = getattr(instance, field)
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError as error:
            message = error.errors(include_url=False)[0]["msg"]
            raise plugin.wrong(f"the {field} of {name} is {value!r:.40}; {message:.80}") from error


def count(plugin: Plugin, name: str, value: Any) -> int:
    """A whole number from 0 on, of any integer type. Raises PluginError."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise plugin.wrong(f"{name} must be a count, and is {value!r:.40}")
    return number


def amount(plugin: Plugin, name: str, value: Any) -> float:
    """A finite number from 0 on, of any type. Raises PluginError."""
    check_score(plugin, name, value)
    if value < 0:
        raise plugin.wrong(f"{name} must not be negative, and is {value!r:.40}")
    return float(value)


def check_score(plugin: Plugin, name: str, score: Any) -> None:
    """Check that a score is a finite number. Raises PluginError."""
    # NumPy's numbers are floats only by their __float__.
    try:
        finite = not isinstance(score, str | bytes) and math.isfinite(score)
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite:
        raise plugin.wrong(f"{name} gave the score {score!r:.40}, which is not a finite number")


def json_object(plugin: Plugin, name: str, value: Any) -> Mapping[str, Any]:
    """Check a value that goes into a record. Raises PluginError."""
    checked = plugin.being(name, value, Mapping)  # type: ignore[type-abstract]
    try:
        json.dumps(dict(checked), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise plugin.wrong(f"{name} gave a value that is not JSON ({error!s:.60})") from error
    return checked
