"""Fails unless a tag names the version in the package and the first heading of CHANGELOG.md.

`python scripts/release_version.py v0.1.0` is what the release workflow runs; it needs nothing
installed.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def problems(tag: str, package: str, changelog: str) -> list[str]:
    """What keeps a tag from being released, given the texts of `__init__.py` and CHANGELOG.md."""
    version = re.search(r'^__version__ = "(.+)"$', package, re.M)
    heading = re.search(r"^## (.+)$", changelog, re.M)
    if version is None or heading is None:
        return ["no version in rerankbench/__init__.py, or no heading in CHANGELOG.md"]
    reasons = []
    if tag != f"v{version[1]}":
        reasons.append(f"the tag is {tag}, the package {version[1]}; tag v{version[1]}")
    if not re.fullmatch(rf"{re.escape(version[1])} \(\d{{4}}-\d\d-\d\d\)", heading[1]):
        reasons.append(
            f"CHANGELOG.md begins with '{heading[1]}'; write '{version[1]} (YYYY-MM-DD)', the day"
        )
    return reasons


if __name__ == "__main__":
    package = (ROOT / "rerankbench" / "__init__.py").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sys.exit("\n".join(problems(sys.argv[1], package, changelog)) or 0)
