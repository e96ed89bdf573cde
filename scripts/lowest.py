"""The lower bounds of pyproject.toml as constraints for pip: `torch>=2.6` gives `torch==2.6`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lowest(requirements: Iterable[str]) -> list[str]:
    """One constraint for each requirement. Raises ValueError for one without a lower bound."""
    constraints = []
    for requirement in requirements:
        bound = re.match(r"([\w.-]+)(?:\[.*\])?>=([\w.]+)", requirement)
        if bound is None:
            raise ValueError(f"'{requirement}' has no lower bound; write name>=version")
        constraints.append(f"{bound[1]}=={bound[2]}")
    return constraints


if __name__ == "__main__":
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    print("\n".join(lowest(project["dependencies"])))
