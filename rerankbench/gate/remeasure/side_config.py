"""The config that a side runs: its own, with the data found that git does not keep.

Relative paths in a config start from the folder in which the command runs. In a worktree there are
no untracked files and no neighbours of the repository: where such a path leads nowhere there, and
somewhere from the user's own folder, the latter is meant.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from rerankbench import registry
from rerankbench.files.whole import write_whole
from rerankbench.run import config as configs


def write_config(config: Path, folder: Path, here: Path, written: Path) -> None:
    """Write the config for a side that runs in `folder`, where the user stands in `here`.

    It keeps its suite's name. That speed is not to be measured is left out: whoever runs it says
    so. Raises InputError for what is no YAML mapping; anything else is for the side to refuse.
    """
    raw = configs.read_yaml(config)

    def found(kind: Literal["collections", "rerankers"]) -> Callable[[str], str]:
        known = registry.names(kind)
        return lambda text: text if text in known else _found(text, folder, here)

    for key, inside, place in (
        ("datasets", "id", found("collections")),
        ("models", "model", found("rerankers")),
        ("first_stages", "name", lambda text: _run_file(text, folder, here)),
        ("first_stages", "path", lambda text: _found(text, folder, here)),
    ):
        if isinstance(raw.get(key), list):
            raw[key] = [_placed(entry, inside, place) for entry in raw[key]]
    if isinstance(raw.get("speed"), Mapping):
        raw["speed"] = {name: raw["speed"][name] for name in raw["speed"] if name != "enabled"}
    write_whole(written, yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))


def _placed(entry: Any, inside: str, place: Callable[[str], str]) -> Any:
    """An entry, with its path put right: the entry itself, or what it has under that key."""
    if isinstance(entry, str) and inside != "path":
        return place(entry)
    if isinstance(entry, Mapping) and isinstance(entry.get(inside), str):
        return {**entry, inside: place(entry[inside])}
    return entry


def _run_file(text: str, folder: Path, here: Path) -> str:
    """`run:FILE.trec` with its file put right."""
    name, colon, path = text.partition(":")
    return f"{name}{colon}{_found(path, folder, here)}" if colon else text


def _found(text: str, folder: Path, here: Path) -> str:
    """The absolute path where only the user's own folder has it; else as it was."""
    # A run file may be one of several, by the name of the collection.
    pattern = "*".join(map(glob.escape, text.split("{dataset}")))
    is_there, is_here = (_matches(pattern, place) for place in (folder, here))
    return text if is_there or not is_here else str(here / text)


def _matches(pattern: str, folder: Path) -> bool:
    # Path.glob refuses what is no relative pattern, and "" is none.
    return bool(glob.glob(pattern, root_dir=folder, include_hidden=True))  # noqa: PTH207
