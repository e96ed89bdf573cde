"""Read text with precise complaints, write files whole or not at all, know where caches live."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

from rerankbench.errors import InputError, StorageError


def cache_home() -> Path:
    """`$RERANKBENCH_HOME`, or the platform's cache folder; all below it is safe to delete."""
    named = os.environ.get("RERANKBENCH_HOME")
    return Path(named) if named else Path(platformdirs.user_cache_dir("rerankbench"))


def open_bytes(path: Path) -> IO[bytes]:
    """Open a plain or gzipped file (by its first bytes, not its name) for reading."""
    try:
        handle = path.open("rb")
    except FileNotFoundError:
        raise InputError(path, "no such file", remedy="check the path") from None
    except IsADirectoryError:
        raise InputError(
            path, "is a folder, not a file", remedy="name the file inside it"
        ) from None
    except OSError as error:
        raise InputError(path, f"cannot be opened ({error.strerror})") from None
    if handle.peek(2)[:2] == b"\x1f\x8b":
        handle.close()  # GzipFile closes only a file that it opened itself.
        return io.BufferedReader(gzip.GzipFile(path))
    return handle


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of every line that is not blank, without its LF or CRLF.

    Raises InputError naming the line for bytes that are not UTF-8, NUL bytes and broken gzip
    streams.
    """
    number = 0
    with open_bytes(path) as handle:
        try:
            for number, raw in enumerate(handle, start=1):
                line = _decode(path, number, raw)
                if line.strip():
                    yield number, line
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise InputError(
                path,
                f"the gzip stream is broken ({error})",
                line=number + 1,
                remedy="fetch the file again",
            ) from None


def _decode(path: Path, number: int, raw: bytes) -> str:
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

    Raises StorageError when the disk is full or refuses; no partial file is left behind.
    """
    data = body.encode() if isinstance(body, str) else body
    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as handle:
            partial = Path(handle.name)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(path)
    except OSError as error:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise StorageError(
            f"{path}: cannot be written ({error.strerror or error}); free space or choose -o"
        ) from error
    except BaseException:
        if partial is not None:
            partial.unlink(missing_ok=True)
        raise


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
    """Hex digest of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
