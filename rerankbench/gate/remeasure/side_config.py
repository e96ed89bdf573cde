"""The config that a side runs, with paths of data that git does not keep resolved."""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from rerankbench import registry
from rerankbench.files.whole import write_whole
from rerankbench.run import config as configs


def write_config(config: Path, side_folder: Path, user_folder: Path, written: Path) -> None:
    """Write the config for a side that runs in `side_folder`; the user is in `user_folder`.

    It keeps its suite's name. `enabled` of speed is left out: whoever runs it sets
    that. Raises InputError unless it is a YAML mapping; the side itself checks the rest.
    """
    raw = configs.read_yaml(config)

    def unless_named(kind: Literal["collections", "rerankers"]) -> Callable[[str], str]:
        known = registry.names(kind)
        return lambda text: text if text in known else _resolved(text, side_folder, user_folder)

    for key, inside, place in (
        ("datasets", "id", unless_named("collections")),
        ("models", "model", unless_named("rerankers")),
        ("first_stages", "name", lambda text: _run_file(text, side_folder, user_folder)),
        ("first_stages", "path", lambda text: _resolved(text, side_folder, user_folder)),
    ):
        if isinstance(raw.get(key), list):
            raw[key] = [_placed(entry, inside, place) for entry in raw[key]]
    if isinstance(raw.get("speed"), Mapping):
        raw["speed"] = {name: raw["speed"][name] for name in raw["speed"] if name != "enabled"}
    write_whole(written, yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))


def _placed(entry: Any, inside: str, place: Callable[[str], str]) -> Any:
    """An entry with its path resolved: the entry itself, or its value under that key."""
    if isinstance(entry, str) and inside != "path":
        return place(entry)
    if isinstance(entry, Mapping) and isinstance(entry.get(inside), str):
        return {**entry, inside: place(entry[inside])}
    return entry


def _run_file(text: str, side_folder: Path, user_folder: Path) -> str:
    """`run:FILE.trec` with its file resolved."""
    name, colon, path = text.partition(":")
    return f"{name}{colon}{_resolved(path, side_folder, user_folder)}" if colon else text


def _resolved(text: str, side_folder: Path, user_folder: Path) -> str:
    """The absolute path if it exists only from the user's own folder; else unchanged."""
    # A path with {dataset} stands for one run file a collection.
    pattern = "*".join(map(glob.escape, text.split("{dataset}")))
    in_side, in_user = (_matches(pattern, place) for place in (side_folder, user_folder))
    return text if in_side or not in_user else str(user_folder / text)


def _matches(pattern: str, folder: Path) -> bool:
    # Path.glob refuses anything but a relative pattern, even "".
    return bool(glob.glob(pattern, root_dir=folder, include_hidden=True))  # noqa: PTH207
