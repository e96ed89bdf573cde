"""The embedded demo: a small BEIR folder inside the package, for a first run without a network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from rerankbench.collections.beir_folder import BeirFolder, open_folder


def open_collection(spec: str, split: str | None) -> BeirFolder:
    """Open the demo; `spec` is ignored, the split is `test` unless named.

    Raises InputError for a split that the demo does not have.
    """
    folder = Path(str(files("rerankbench") / "collections" / "demo_collection"))
    return open_folder(folder, split, name="demo")
