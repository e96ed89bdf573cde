"""What is asked of plug-ins of every kind, and what is said where they fail."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError

from rerankbench.errors import PluginError, RerankbenchError, show_traceback

_Found = TypeVar("_Found")


class Plugin:
    """What messages say of a plug-in, such as `reranker 'mine' of my-package`."""

    def __init__(self, told: str) -> None:
        """`told` begins every complaint."""
        self._told = told

    def wrong(self, what: str) -> PluginError:
        """The complaint to raise."""
        return PluginError(f"{self._told}: {what}; mend the plug-in, or uninstall it")

    def call(self, name: str, function: Any, *arguments: Any, **named: Any) -> Any:
        """What a plug-in's function gives back. Raises PluginError for whatever it raises."""
        if not callable(function):
            raise self.wrong(f"its {name} is no function but {kind_of(function)}")
        try:
            return function(*arguments, **named)
        except (Exception, SystemExit) as error:
            raise self._raised(name, error) from error

    def each(self, name: str, found: Any) -> Iterator[Any]:
        """What an iterable of a plug-in holds, read as it goes."""
        if not hasattr(found, "__iter__"):
            raise self.wrong(f"{name} gave {kind_of(found)}, which cannot be gone through")
        try:
            yield from found
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

    def being(self, name: str, found: Any, kind: type[_Found]) -> _Found:
        """Check what came back."""
        if not isinstance(found, kind) or (kind is int and isinstance(found, bool)):
            raise self.wrong(f"{name} must give {kind.__name__}, and gave {kind_of(found)}")
        return found

    def _raised(self, name: str, error: BaseException) -> RerankbenchError:
        if isinstance(error, RerankbenchError):
            return error  # Said on purpose.
        show_traceback(error)
        reason = (str(error).strip().splitlines() or [""])[0][:100]
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        return self.wrong(f"{name} raised {said} (RERANKBENCH_TRACEBACK=1 shows where)")


def kind_of(found: Any) -> str:
    """What messages call a value of the wrong kind."""
    return "None" if found is None else f"a {type(found).__name__}"


def texts_of(plugin: Plugin, name: str, found: Any) -> list[str]:
    """Texts that a plug-in gave. Raises PluginError."""
    if isinstance(found, str):
        raise plugin.wrong(f"{name} must give several texts, and gave one")
    return [plugin.being(name, each, str) for each in plugin.each(name, found)]


def check_fields(plugin: Plugin, name: str, found: Any) -> None:
    """Check that each field of one of the project's dataclasses is what its type says.

    Records hold them, and what does not fit is not read again. Raises PluginError.
    """
    for field, kind in get_type_hints(type(found), include_extras=True).items():
        value = getattr(found, field)
        try:
            TypeAdapter(kind).validate_python(value, strict=True)
        except ValidationError as error:
            told = error.errors(include_url=False)[0]["msg"]
            raise plugin.wrong(f"the {field} of {name} is {value!r:.40}; {told:.80}") from error


def count(plugin: Plugin, name: str, found: Any) -> int:
    """A whole number from 0 on, of whatever integer type. Raises PluginError."""
    try:
        number = operator.index(found)
    except TypeError:
        number = -1
    if number < 0:
        raise plugin.wrong(f"{name} must be a count, and is {found!r:.40}")
    return number


def amount(plugin: Plugin, name: str, found: Any) -> float:
    """A finite number from 0 on, of whatever type. Raises PluginError."""
    check_score(plugin, name, found)
    if found < 0:
        raise plugin.wrong(f"{name} must not be negative, and is {found!r:.40}")
    return float(found)


def check_score(plugin: Plugin, name: str, score: Any) -> None:
    """Check that a score is a finite number. Raises PluginError."""
    # NumPy's numbers are floats by their __float__ alone.
    try:
        finite = not isinstance(score, str | bytes) and math.isfinite(score)
    except (TypeError, ValueError, OverflowError):
        finite = False
    if not finite:
        raise plugin.wrong(f"{name} gave the score {score!r:.40}, which is no finite number")


def json_object(plugin: Plugin, name: str, found: Any) -> Mapping[str, Any]:
    """What can be written into a record. Raises PluginError."""
    checked = plugin.being(name, found, Mapping)  # type: ignore[type-abstract]
    try:
        json.dumps(dict(checked), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise plugin.wrong(f"{name} gave what is no JSON ({error!s:.60})") from error
    return checked
