"""Finding layouts by name or file, and naming every mistake in one at once."""

from __future__ import annotations

from pathlib import Path

from rerankbench.errors import ConfigError, nearest
from rerankbench.files.explain import validated
from rerankbench.files.plain_names import name_of
from rerankbench.files.yaml_file import read_mapping
from rerankbench.leaderboard.layout import Layout

DEFAULT = "plain"
_FOLDER = Path(__file__).parent / "layouts"


def names() -> list[str]:
    """The layouts that come with rerankbench."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_layout(name_or_file: str) -> Layout:
    """A built-in layout by its name, or the layout in a YAML file, called as the file is.

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
    raw = read_mapping(path, remedy="start from a copy of a built-in layout (docs/layouts.md)")
    return validated(Layout, {"name": name_of(path, "layout"), **raw}, path)
