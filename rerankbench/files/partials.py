"""Temporary files and folders beside their final place, removed once their writer is gone.

They are hidden, end in SUFFIX, and are locked while their writer lives; the system drops the
lock with the process, however it ends. So the next writer can distinguish what a killed
process left from what others are writing, and deletes it. Where files cannot be locked, only
files that are a day old count as left behind.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType
from typing import IO

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Not on Windows.
    fcntl = None

SUFFIX = ".rerankbench-partial"

_DAY_S = 86_400
# File systems allow names of 255 bytes; a hidden name needs only a hint of the final one.
_LONGEST_HINT = 40


@contextmanager
def file_beside(path: Path) -> Iterator[IO[bytes]]:
    """A new file in the folder of `path`, open for writing; removed at the end unless moved.

    Its `name` is the full path. What killed writers left in the folder is deleted first. Raises
    OSError.
    """
    clear(path.parent)
    while True:
        # Closed and removed below; its lock goes with it.
        handle = tempfile.NamedTemporaryFile(  # noqa: SIM115
            dir=path.parent, prefix=_prefix(path), suffix=SUFFIX, delete=False
        )
        if _hold(handle.fileno(), Path(handle.name)):
            break
        handle.close()
    try:
        with handle:
            yield handle
    finally:
        Path(handle.name).unlink(missing_ok=True)


def move(handle: IO[bytes], target: Path) -> None:
    """Move a file of `file_beside` to its place, in one step. Raises OSError."""
    if fcntl is None:
        handle.close()  # Windows cannot move open files.
    # Elsewhere it stays open, and thus locked: a closed one would look left behind.
    Path(handle.name).replace(target)


@contextmanager
def folder_beside(path: Path, *, stays_on: tuple[type[Exception], ...] = ()) -> Iterator[Path]:
    """A new folder beside `path`; removed at the end unless moved.

    After an error of `stays_on` it is left for inspection, until it is deleted like
    what killed writers left, by the next use of such a folder. Parent folders are created.
    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    clear(path.parent)
    while True:
        folder = path.with_name(f"{_prefix(path)}{secrets.token_hex(4)}{SUFFIX}")
        folder.mkdir()
        lock = None if fcntl is None else os.open(folder, os.O_RDONLY)
        if lock is None or _hold(lock, folder):
            break
        os.close(lock)
    stays = False
    try:
        yield folder
    except stays_on:
        stays = True
        raise
    finally:
        if not stays:
            shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def clear(folder: Path) -> None:
    """Remove what dead writers left in a folder, as far as possible."""
    try:
        left = [path for path in folder.iterdir() if is_partial(path.name)]
    except OSError:
        return
    for path in left:
        with suppress(OSError):
            _remove_if_left(path)


def is_partial(name: str) -> bool:
    """Whether a file or folder of that name is, or was, being written."""
    return name.startswith(".") and name.endswith(SUFFIX)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other users of this lock out of a folder, where folders can be locked."""
    if fcntl is None:
        yield
        return
    lock = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _prefix(path: Path) -> str:
    return f".{path.name.lstrip('.')[:_LONGEST_HINT]}."


def _hold(lock: int, path: Path) -> bool:
    """Lock what was just created; False if another process was faster and removed it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError:
        return True  # Without locks, nobody removes it either.
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _remove_if_left(path: Path) -> None:
    if fcntl is None:
        if time.time() - path.stat().st_mtime > _DAY_S:
            _remove(path)
        return
    # Without waiting, in case somebody gave that name to a pipe.
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        with suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
    finally:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
