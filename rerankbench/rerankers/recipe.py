"""Settings of a recipe that a config names, checked as strictly as the config itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from rerankbench.errors import UsageError, nearest
from rerankbench.protocols import RerankerSpec

Kind: TypeAlias = "Literal['text', 'texts', 'integer', 'number', 'flag', 'label']"
_KINDS: Mapping[Kind, str] = {
    "text": "a text",
    "texts": "a text or a list of texts",
    "integer": "a whole number",
    "number": "a number",
    "flag": "true or false",
    "label": "a label's name or its index",
}


def settings(spec: RerankerSpec, known: Mapping[str, Kind]) -> dict[str, Any]:
    """The recipe's settings that are given, each of its known kind; `texts` come as a tuple.

    Raises UsageError.
    """
    found = {}
    for key, value in spec.recipe.items():
        if key not in known:
            hint = nearest(key, known) if known else "its family takes none"
            raise UsageError(f"{spec.model}: unknown recipe key '{key}'; {hint}")
        if not _is(value, known[key]):
            raise UsageError(
                f"{spec.model}: recipe key '{key}' must be {_KINDS[known[key]]} "
                f"(given: {value!r:.60})"
            )
        if known[key] == "texts":
            value = (value,) if isinstance(value, str) else tuple(value)
        found[key] = value
    return found


def _is(value: Any, kind: Kind) -> bool:
    match kind:
        case "text":
            return isinstance(value, str)
        case "flag":
            return isinstance(value, bool)
        case "texts":
            several = isinstance(value, list | tuple) and all(isinstance(x, str) for x in value)
            return isinstance(value, str) or (several and bool(value))
        case "label":
            return isinstance(value, str | int)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)


def choice(spec: RerankerSpec, key: str, value: str, known: Mapping[str, Any]) -> Any:
    """What a named value stands for. Raises UsageError naming the nearest."""
    if value not in known:
        raise UsageError(f"{spec.model}: no {key} '{value}'; {nearest(value, known)}")
    return known[value]
