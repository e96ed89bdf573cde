"""Replaces a folder by another, with no moment in which there is neither.

Linux and macOS swap two folders in one step. Where the file system cannot, the old one is renamed
so that its place can be told: a process that dies right then leaves it there, and
the next reader restores it.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from rerankbench.files.partials import locked

_ASIDE = ".rerankbench-replaced"
# From linux/fs.h and fcntl.h, and from macOS' sys/stdio.h.
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_RENAME_SWAP = 2


def swap_in(staged: Path, place: Path) -> None:
    """Replace the folder at `place` by `staged`; what remains at `staged` may be removed.

    Both are in one folder. Raises OSError and restores the old one.
    """
    with locked(place.parent):
        if exchange(staged, place):
            return
        aside = _aside(place)
        shutil.rmtree(aside, ignore_errors=True)
        place.rename(aside)
        try:
            staged.rename(place)
        except BaseException:
            aside.rename(place)
            raise
    shutil.rmtree(aside, ignore_errors=True)


def recover(folder: Path) -> None:
    """Restore, or delete, the folder of a process that died during `swap_in`."""
    try:
        left = [path for path in folder.iterdir() if path.name.endswith(_ASIDE)]
    except OSError:
        return
    if not left:
        return
    # A folder that cannot be changed is used as it is.
    with suppress(OSError), locked(folder):
        for aside in left:
            place = folder / aside.name.removeprefix(".").removesuffix(_ASIDE)
            if place.exists():
                shutil.rmtree(aside, ignore_errors=True)
            elif aside.exists():
                aside.rename(place)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}{_ASIDE}")


def exchange(first: Path, second: Path) -> bool:
    """Exchange two paths in one step; if that is impossible, do nothing and return False."""
    paths = os.fsencode(first), os.fsencode(second)
    try:
        libc = ctypes.CDLL(None)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(*paths, _RENAME_SWAP) == 0)
        done = libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE)
    except (OSError, AttributeError, TypeError):
        return False  # The system has no such call, or (Windows) no such library.
    return bool(done == 0)
