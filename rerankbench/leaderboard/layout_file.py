"""Finds layouts by name or file, and reports all mistakes in one at once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from rerankbench.errors import ConfigError, InputError, nearest
from rerankbench.files.yaml_file import read_yaml
from rerankbench.leaderboard.columns.kinds import COLUMN_KINDS
from rerankbench.leaderboard.layout import (
    Family,
    FirstStages,
    Layout,
    LayoutName,
    ListedModel,
    TableForm,
)

DEFAULT = "plain"
_MOST_PROBLEMS = 100
"""A limit, since explaining each searches for the nearest name, and nobody mends more at once."""
_FOLDER = Path(__file__).parent / "layouts"
_ITEMS: Mapping[str, type[BaseModel]] = {
    "tables": TableForm,
    "families": Family,
    "models": ListedModel,
    "first_stages": FirstStages,
    "names": LayoutName,
}


def names() -> list[str]:
    """The layouts that come with rerankbench."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_layout(name_or_file: str) -> Layout:
    """A built-in layout by its name, or one from a YAML file, which is then named after the file.

    Raises ConfigError for an unknown name and for mistakes in the file, all of them at once;
    InputError for a file that cannot be read.
    """
    path = Path(name_or_file)
    if path.suffix.lower() in (".yaml", ".yml") or path.name != name_or_file:
        return read_layout(path)
    if name_or_file not in names():
        hint = nearest(name_or_file, names())
        raise ConfigError(f"no layout '{name_or_file}'; {hint} (or name a file: FILE.yaml)")
    return read_layout(_FOLDER / f"{name_or_file}.yaml")


def read_layout(path: Path) -> Layout:
    """Read a layout file; raises as `load_layout` does."""
    raw = read_yaml(path)
    if not isinstance(raw, dict):
        remedy = "start from a copy of a built-in layout (docs/layouts.md)"
        raise InputError(path, "is not a layout: no keys in it", remedy=remedy)
    try:
        return Layout.model_validate({"name": _block_name(path), **raw})
    except ValidationError as error:
        problems = [
            problem
            for details in error.errors()[:_MOST_PROBLEMS]
            for problem in _explain(dict(details))
        ]
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems)) from None


def _block_name(path: Path) -> str:
    """The file's stem without the characters that a block's name may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._") or "layout"


def _explain(details: dict[str, Any]) -> Iterator[str]:
    """One line for each mistake that pydantic found: where, what is wrong, what would be right."""
    location, kind, context = details["loc"], details["type"], details.get("ctx", {})
    place = _place(location)
    if kind == "extra_forbidden":
        known = _model_at(location[:-1]).model_fields
        yield f"{place}: unknown key; {nearest(str(location[-1]), known)}"
    elif kind == "union_tag_invalid":
        yield f"{place}.kind: no column kind '{context['tag']}'; " + nearest(
            context["tag"], COLUMN_KINDS
        )
    elif kind == "union_tag_not_found":
        yield f"{place}: the key 'kind' is missing; known: {', '.join(COLUMN_KINDS)}"
    elif kind == "missing":
        yield f"{place}: is missing"
    elif kind == "value_error":
        prefix = f"{place}: " if location else ""
        yield from (f"{prefix}{line}" for line in str(context["error"]).splitlines())
    else:
        yield f"{place}: {details['msg']}, found {details['input']!r:.60}"


def _model_at(location: tuple[Any, ...]) -> type[BaseModel]:
    model: type[BaseModel] = Layout
    for at, step in enumerate(location):
        if _is_kind(location, at):
            model = COLUMN_KINDS[step]
        elif step in _ITEMS:
            model = _ITEMS[step]
    return model


def _place(location: tuple[Any, ...]) -> str:
    """The path without the kinds that pydantic puts in: `tables[0].columns[2].align`."""
    text = ""
    for at, step in enumerate(location):
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _is_kind(location, at):
            text += f".{step}" if text else str(step)
    return text


def _is_kind(location: tuple[Any, ...], at: int) -> bool:
    return at >= 2 and location[at - 2] == "columns" and location[at] in COLUMN_KINDS
