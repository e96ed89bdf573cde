"""A folder for what nobody asked to keep."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from weakref import finalize


class TemporaryFolder:
    """Lives as long as the object, or the program; Python's own would warn of such an end."""

    def __init__(self) -> None:
        """Make it, empty."""
        self.path = Path(mkdtemp(prefix="rerankbench-"))
        finalize(self, shutil.rmtree, self.path, ignore_errors=True)
