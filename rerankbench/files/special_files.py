"""Paths of special files: pipes, devices, sockets, and open files as /dev/fd/N.

As inputs they are refused, because a pipe may never end and a device often does not. As
outputs they are written into and never replaced: `-o /dev/stdout` is a place to write to, and a
file of that name would hide it from every other program.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import F_GETFL, fcntl
from pathlib import Path
from select import PIPE_BUF, POLLOUT, poll
from typing import TYPE_CHECKING

from rerankbench.errors import InputError, StorageError

if TYPE_CHECKING:
    from typing_extensions import Buffer

READER_WAIT_S = 10.0
"""How long to wait for a reader of a pipe."""
STALL_S = 300.0
"""How long a reader may read nothing."""
_LONGEST_CHAIN = 40
"""The longest chain of links; Linux allows no more either."""


class _NamedFile(io.FileIO):
    """A file whose errors name it: those of reading do not know what was opened."""

    def __init__(self, path: Path, number: int) -> None:
        super().__init__(number, "rb")
        self._path = path

    def readinto(self, buffer: Buffer) -> int | None:
        with self._naming():
            return super().readinto(buffer)

    def readall(self) -> bytes:
        with self._naming():
            return super().readall()

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
            raise InputError(self._path, problem, remedy="check the disk") from None


def open_regular(path: Path) -> io.BufferedReader[io.FileIO]:
    """Open a regular file, and nothing else, for reading, without ever waiting for it.

    Raises InputError, also when it is read.
    """
    try:
        _refuse(path, path.stat().st_mode)  # Merely opening has effects on some devices.
        # Without waiting: the file may have been replaced by a pipe.
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise InputError(path, "no such file", remedy="check the path") from None
    except OSError as error:
        problem = f"cannot be opened ({error.strerror})"
        raise InputError(path, problem, remedy="check the path and its rights") from None
    except ValueError:  # A NUL byte in the name.
        raise InputError(f"{path}", "is no name of a file", remedy="check the path") from None
    handle: io.BufferedReader[io.FileIO] = io.BufferedReader(_NamedFile(path, number))
    try:
        _refuse(path, os.fstat(number).st_mode)
    except InputError:
        handle.close()
        raise
    return handle


def _refuse(path: Path, mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    if stat.S_ISDIR(mode):
        raise InputError(path, "is a folder, not a file", remedy="name the file inside it")
    remedy = "save its content to a file, and name that"
    raise InputError(path, f"is {_kind(mode)}, not a regular file", remedy=remedy)


def _kind(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


def write_into(path: Path, data: bytes) -> bool:
    """Write into `path` if it is not a regular file; if it is, do nothing and return False.

    Raises StorageError, also if nobody reads the pipe.
    """
    number = _descriptor(path)
    if number is None and not _is_special(path):
        return False
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # Earlier output comes first.
        if number is not None:
            _write(path, number, data)
            return True
        number = _open(path)
        try:
            _write(path, number, data)
        finally:
            os.close(number)
    except OSError as error:
        problem = f"{path}: cannot be written into ({error.strerror or error})"
        raise StorageError(f"{problem}; name a file, or see that its reader runs") from None
    return True


def _is_special(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False  # Writing a file there reports the error.
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path: Path) -> int | None:
    """The number behind /dev/stdout, /dev/fd/3 and links to them; None for any other path.

    An open descriptor is written to as it is, a file at its current position: opened
    again it would start at the beginning, and a socket cannot be opened at all.
    """
    folders = {Path("/dev/fd"), Path(f"/proc/{os.getpid()}/fd")}
    with suppress(OSError):  # Writing a file there reports the error.
        for _ in range(_LONGEST_CHAIN):
            parent = Path(os.path.realpath(path.parent))
            if parent in folders:
                return int(path.name) if path.name.isdecimal() and len(path.name) < 9 else None
            if not path.is_symlink():
                return None
            path = parent / path.readlink()
    return None


def _open(path: Path) -> int:
    """A descriptor for writing; waits a while for the reader of a pipe."""
    last_s = time.monotonic() + READER_WAIT_S
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            is_unread = error.errno == errno.ENXIO and stat.S_ISFIFO(path.stat().st_mode)
            if not is_unread:
                raise
            if time.monotonic() >= last_s:
                remedy = "start its reader first, or name a file"
                raise StorageError(f"{path}: nobody reads this pipe; {remedy}") from None
        time.sleep(0.02)


def _write(path: Path, number: int, data: bytes) -> None:
    """Write everything, in pieces that a pipe accepts whole, so that no write can block."""
    if fcntl(number, F_GETFL) & os.O_ACCMODE == os.O_RDONLY:  # It would never be ready.
        raise OSError(errno.EBADF, "it is open for reading only")
    waiting = poll()
    waiting.register(number, POLLOUT)
    rest = memoryview(data)
    while rest:
        if not waiting.poll(STALL_S * 1000):
            remedy = "see what its reader waits for, or name a file"
            raise StorageError(f"{path}: its reader takes nothing for {STALL_S:g} s; {remedy}")
        with suppress(BlockingIOError):
            rest = rest[os.write(number, rest[:PIPE_BUF]) :]


def refuse_special_in(folder: Path) -> None:
    """Raise InputError for a pipe, device or socket in a folder or the folders in it.

    For folders that other libraries read, which would wait for such a file.
    """
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        with suppress(OSError):  # A dangling link.
            mode = path.stat().st_mode
            if not stat.S_ISDIR(mode):
                _refuse(path, mode)
