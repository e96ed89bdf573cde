"""The lines of .gitignore that keep what runs leave behind out of a repository.

Baselines are not among them: they are what is committed.
"""

from __future__ import annotations

from pathlib import Path

from rerankbench.errors import InputError
from rerankbench.files.whole import write_whole

FILE = Path(".gitignore")
_REMARK = "# rerankbench: what runs leave behind; results/baselines is committed"
LINES = ("/results/rerankbench/", "/rerankbench-new/", "/.cache/rerankbench/")


def missing(folder: Path) -> list[str]:
    """The lines that are not there, in whatever spelling; a line for the folder above will do.

    Raises InputError where .gitignore is there and cannot be read.
    """
    present = {_spelled(line) for line in _read(folder).splitlines()}
    return [line for line in LINES if not present & _covering(line)]


def extend(folder: Path) -> bool:
    """Add what is missing at the end, every other byte as it was; whether there was anything.

    Raises InputError as `missing` does, StorageError where the disk refuses.
    """
    lines = missing(folder)
    if not lines:
        return False
    before = _read(folder)
    end = b"\r\n" if b"\r\n" in before else b"\n"
    if before and not before.endswith(b"\n"):
        before += end
    added = [line.encode() + end for line in (_REMARK, *lines)]
    write_whole(folder / FILE, before + (end if before else b"") + b"".join(added))
    return True


def _read(folder: Path) -> bytes:
    try:
        return (folder / FILE).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(
            folder / FILE, f"cannot be read ({error.strerror})", remedy="check what it is"
        ) from None


def _covering(line: str) -> set[bytes]:
    whole = _spelled(line.encode())
    return {whole, whole.partition(b"/")[0]}


def _spelled(line: bytes) -> bytes:
    return line.strip().removesuffix(b"*").strip(b"/")
