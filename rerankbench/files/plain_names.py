"""Names of suites, baselines and tables: plain in a folder, a URL and a marker alike."""

from __future__ import annotations

import re
from pathlib import Path

FORM = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
FORM_IN_WORDS = "letters, digits, '.', '_' and '-', starting with a letter or digit"


def is_plain(name: str) -> bool:
    """Whether a name has that form."""
    return re.fullmatch(FORM, name) is not None


def name_of(path: Path, usual: str) -> str:
    """What a file is called, in plain characters; `usual` where it has none."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._") or usual
