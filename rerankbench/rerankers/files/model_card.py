"""Reads the head of a model card."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rerankbench.files import yaml_file


def facts(folder: Path) -> Mapping[str, Any]:
    """The YAML head of a model card; empty if there is none, or it is not a mapping."""
    path = folder / "README.md"
    if not path.is_file():
        return {}
    head = re.match(
        r"---\n(.*?)\n---", path.read_text(encoding="utf-8", errors="replace"), re.DOTALL
    )
    try:
        values = yaml_file.parse(head[1][: yaml_file.MOST_BYTES]) if head else {}
    except (yaml.YAMLError, RecursionError):
        return {}  # A card is for people; nothing depends on it alone.
    return values if isinstance(values, dict) else {}
