"""Reads text with precise errors, writes files whole or not at all, finds the cache folder."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import shutil
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import platformdirs

from rerankbench.errors import InputError, StorageError
from rerankbench.files import partials
from rerankbench.files.special_files import open_regular, write_into

LONGEST_LINE = 256 * 2**20
"""Bytes; no document is longer, and a longer line would fill the memory."""
MOST_BYTES = 2**30
"""Files that are read at once must fit into memory several times."""


_USUAL = "free space or choose -o"
_REMEDIES: dict[int | None, str] = {
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EEXIST: "name a folder, not a file",
    errno.ENOTDIR: "name a folder, not a file",
    errno.EISDIR: "it is a folder; name a file in it",
    errno.ELOOP: "fix the link",
}


def cache_home() -> Path:
    """`$RERANKBENCH_HOME`, or the platform's cache folder; all of it can be deleted safely."""
    named = os.environ.get("RERANKBENCH_HOME")
    return Path(named) if named else Path(platformdirs.user_cache_dir("rerankbench"))


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or gzipped file (by its first bytes, not its name) for reading.

    Raises InputError, also for pipes and devices.
    """
    handle = open_regular(path)
    try:
        is_gzipped = handle.peek(2)[:2] == b"\x1f\x8b"
    except InputError:
        handle.close()
        raise
    if is_gzipped:
        handle.close()  # GzipFile closes only a file that it opened itself.
        return io.BufferedReader(gzip.GzipFile(path))
    return handle


def read_whole(path: Path, most: int = MOST_BYTES) -> bytes:
    """All bytes of a regular file. Raises InputError, also for more than `most` bytes."""
    with open_regular(path) as handle:
        body = handle.read(most + 1)
    if len(body) > most:
        problem = f"is larger than {most:,} bytes"
        raise InputError(path, problem, remedy="check that it is the right file")
    return body


def read_lines(
    path: Path, *, most_bytes: int | None = None, blank: bool = False
) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of every line that is not blank, without its LF or CRLF.

    With `blank` of those too: in a quoted text of CSV they count.

    Raises InputError naming the line for bytes that are not UTF-8, NUL bytes, lines without end,
    broken gzip streams, and the line at which there are more than `most_bytes` in all.
    """
    number, size = 0, 0
    with open_bytes(path) as handle:
        try:
            pieces = iter(partial(handle.readline, LONGEST_LINE + 1), b"")
            for number, raw in enumerate(pieces, start=1):
                size += len(raw)
                if most_bytes is not None and size > most_bytes:
                    problem = f"is larger than {most_bytes:,} bytes"
                    remedy = "check that it is the right file"
                    raise InputError(path, problem, line=number, remedy=remedy)
                line = _decode(path, number, raw)
                if blank or line.strip():
                    yield number, line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(
                path,
                f"the gzip stream is broken ({error})",
                line=number + 1,
                remedy="fetch the file again",
            ) from None


def _decode(path: Path, number: int, raw: bytes) -> str:
    if len(raw) > LONGEST_LINE:
        problem = f"is longer than {LONGEST_LINE:,} bytes"
        raise InputError(
            path, problem, line=number, remedy="check that the file is text with lines"
        )
    try:
        line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        problem = f"byte {error.start + 1} is not UTF-8"
        raise InputError(path, problem, line=number, remedy="convert the file to UTF-8") from None
    if "\x00" in line:
        raise InputError(
            path, "holds NUL bytes: binary, not text", line=number, remedy="fetch the file again"
        )
    return line.rstrip("\r\n")


def write_whole(path: Path, body: bytes | str) -> None:
    """Write a file so that readers see all of it or none of it, even if the machine stops.

    Links stay links, and special files are written into. Raises StorageError if the
    disk is full or writing fails; no partial file is left, and what a killed process left of a
    file in the same folder is deleted.
    """
    data = body.encode() if isinstance(body, str) else body
    try:
        if not write_into(path, data):
            _replace(_followed(path), data)
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from error


def rewrite(path: Path, body: bytes) -> None:
    """Change the content of a user's file; its mode, owner and links stay.

    All or nothing as in `write_whole`, except for a file with several names, or in a folder that
    allows no new files: these can only be changed in place. Raises StorageError.
    """
    try:
        target = _followed(path)
        if target.stat().st_nlink > 1 or not os.access(target.parent, os.W_OK):
            _overwrite(target, body)
            return
        try:
            _replace(target, body, like=target.stat())
        except PermissionError:  # Another user's file, which only its owner or root can recreate.
            _overwrite(target, body)
    except (OSError, ValueError) as error:
        raise _refusal(path, error) from error


def append(path: Path, text: str) -> None:
    """Append to a file that other programs append to as well. Raises OSError or StorageError."""
    if not write_into(path, text.encode()):
        with path.open("a", encoding="utf-8") as handle:
            handle.write(text)


def _followed(path: Path) -> Path:
    """The target of a link, whether it exists or not; any other path unchanged."""
    try:
        return path.resolve() if path.is_symlink() else path
    except RuntimeError:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def _replace(path: Path, data: bytes, like: os.stat_result | None = None) -> None:
    """Replace `path` by a new file, with the owner and mode of the old one if `like`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with partials.file_beside(path) as handle:
        handle.write(data)
        handle.flush()
        if like is not None:
            os.fchown(handle.fileno(), like.st_uid, like.st_gid)
        os.fsync(handle.fileno())
        written = Path(handle.name)
        if like is None:
            written.chmod(0o666 & ~_umask())
        else:
            shutil.copystat(path, written)  # Extended attributes too, such as ACLs.
            os.utime(written)
        partials.move(handle, path)


def _overwrite(path: Path, data: bytes) -> None:
    """Change a file in place, the new part first: a full disk then changes nothing."""
    with path.open("r+b") as handle:
        size = handle.seek(0, os.SEEK_END)
        try:
            handle.write(data[size:])
            handle.flush()
        except OSError:
            handle.truncate(size)
            raise
        handle.seek(0)
        handle.write(data[:size])
        handle.truncate(len(data))
        handle.flush()
        os.fsync(handle.fileno())


def _refusal(path: Path, error: OSError | ValueError) -> StorageError:
    reason = getattr(error, "strerror", None) or error
    number = error.errno if isinstance(error, OSError) else errno.ENAMETOOLONG
    return StorageError(f"{path}: cannot be written ({reason}); {_REMEDIES.get(number, _USUAL)}")


def _umask() -> int:
    # The umask can only be read by setting it; NamedTemporaryFile ignores it and makes files
    # private.
    mask = os.umask(0)
    os.umask(mask)
    return mask


def gzip_bytes(body: str) -> bytes:
    """Gzip text reproducibly: the same text gives the same bytes (no time stamp)."""
    return gzip.compress(body.encode(), compresslevel=6, mtime=0)


def sha256_file(path: Path) -> str:
    """Hex digest of a file's bytes. Raises InputError."""
    with open_regular(path) as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
