"""A compiled library that is kept in the cache folder, and whether it may be loaded.

Loading a library runs it. So its folder and its file must be the user's own and writable by nobody
else, and the file must have the content whose hash was written beside it when it was built. What
was looked at is what is loaded, from memory: a file that is cut while its library is in use ends
the process.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOG = logging.getLogger(__name__)
_UNFINISHED = "build-"
_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # Follows no link, waits for no pipe.


def load(path: Path, build: Callable[[Path], None], *, limit_s: float) -> ctypes.CDLL:
    """The library kept as `path`; built anew, and that said, where it may not be loaded.

    `build` writes the file that it is given, within `limit_s`. Raises OSError for a library that
    cannot be loaded even when it is new.
    """
    own, fault = _folder(path.parent)
    if fault is None:
        try:
            return _load(path, _written_hash(path))
        except FileNotFoundError:
            fault = "has no checksum beside it" if os.path.lexists(path) else None
        except _Distrust as error:
            fault = str(error)
        except OSError as error:
            fault = f"cannot be loaded ({error.strerror or error})"
    if fault is not None:
        _say(path, f"{fault}; it is built anew" + ("" if own else ", for this run alone"))
    with _building(path.parent if own else None, limit_s) as folder:
        built = folder / path.name
        build(built)
        built.chmod(0o700)
        written = hashlib.sha256(built.read_bytes()).hexdigest()
        library = _load(built, written)
        if own:
            _keep(built, written, path)
    return library


class _Distrust(Exception):
    """Why a file is not loaded."""


def _load(path: Path, expected: str) -> ctypes.CDLL:
    handle, content = _read(path)
    os.close(handle)
    if hashlib.sha256(content).hexdigest() != expected:
        raise _Distrust("is not what was built")
    # The descriptor stays open: the loader tells libraries apart by their names, and this is one.
    return ctypes.CDLL(f"/proc/self/fd/{_in_memory(content)}")


def _in_memory(content: bytes) -> int:
    """A file in memory only: changes of the stored library do not affect what is loaded."""
    handle = os.memfd_create("rerankbench-native")
    with os.fdopen(handle, "wb", closefd=False) as file:
        file.write(content)
    return handle


def _written_hash(path: Path) -> str:
    """The checksum file beside a library, in the form of sha256sum."""
    handle, content = _read(_sum_path(path))
    os.close(handle)
    written, _, name = content.decode("ascii", "replace").partition("  ")
    if name != f"{path.name}\n":
        raise _Distrust("has a checksum that cannot be read")
    return written


def _sum_path(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _read(path: Path) -> tuple[int, bytes]:
    """A regular file that nobody else could have written: opened, and its content."""
    if path.is_symlink():
        raise _Distrust("is a symbolic link")
    handle = os.open(path, _READING)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise _Distrust("is no regular file")
        if (fault := _others(status)) is not None:
            raise _Distrust(fault)
        with os.fdopen(handle, "rb", closefd=False) as file:
            return handle, file.read()
    except BaseException:
        os.close(handle)
        raise


def _others(status: os.stat_result) -> str | None:
    """How another user could have changed a file or folder; None if nobody could."""
    if status.st_uid != os.geteuid():
        return "belongs to another user"
    return "may be written by others" if status.st_mode & 0o022 else None


def _folder(folder: Path) -> tuple[bool, str | None]:
    """Whether a library can be kept in a folder, and why none that is there can be trusted.

    A folder that is missing is made; the user's own that others may write is closed to them.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return False, "lies in no folder of its own"
        fault = _others(status)
        if fault is None:
            return True, None
        if status.st_uid != os.geteuid():
            return False, "lies in a folder of another user"
        folder.chmod(0o700)
    except OSError as error:
        return False, f"has a folder that cannot be made ({error.strerror})"
    return True, "lay in a folder that others could write"


@contextmanager
def _building(folder: Path | None, limit_s: float) -> Iterator[Path]:
    """A private folder, beside the place of the library if possible."""
    if folder is not None:
        _sweep(folder, limit_s)
        if not os.access(folder, os.W_OK):
            folder = None
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _sweep(folder: Path, limit_s: float) -> None:
    """Clear what builds that were cut left behind."""
    for left in folder.glob(f"{_UNFINISHED}*"):
        if not left.is_symlink() and time.time() - left.lstat().st_mtime > 2 * limit_s:
            shutil.rmtree(left, ignore_errors=True)


def _keep(built: Path, written: str, path: Path) -> None:
    """Put a library and its checksum in their places; another process may do so at once."""
    checksum = _sum_path(built)
    try:
        checksum.write_text(f"{written}  {path.name}\n")
        checksum.chmod(0o600)
        checksum.replace(_sum_path(path))
        built.replace(path)
    except OSError as error:
        _say(path, f"cannot be kept ({error.strerror}); each run builds it anew")


def _say(path: Path, what: str) -> None:
    # Not among the run's warnings: it concerns this machine, not readers of the figures.
    _LOG.warning("engine native: %.150s %s", path, what)
