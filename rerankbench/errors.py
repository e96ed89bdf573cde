"""One error tree; the exit code lives on the class.

RerankbenchError                2
├── UsageError                  2   an option or a name that cannot be
│   └── ConfigError             2   a config or layout file with mistakes, all named at once
├── InputError                  2   a file that cannot be read as what it should be
├── ModelError                  2   a checkpoint that cannot be used
├── PluginError                 2   a plug-in of another package that breaks its contract
├── NewerFileError              2   written by a newer rerankbench
├── StorageError                2   the disk refused a write
└── CellsFailedError            1   some cells failed, the others are recorded

Every message is one line that says what is wrong and what to do next; it is shown without a
traceback, in at most LONGEST characters.
"""

from __future__ import annotations

import difflib
import os
import re
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path


class RerankbenchError(Exception):
    """Something expected went wrong; `str(error)` is meant for the user."""

    exit_code = 2


class UsageError(RerankbenchError):
    """An option, argument or name that cannot be."""


class ConfigError(UsageError):
    """A config or layout file with mistakes; the message names every one of them."""


class InputError(RerankbenchError):
    """A file that cannot be read as what it should be: where, what is wrong, what to do."""

    def __init__(
        self, path: Path | str, problem: str, *, line: int | None = None, remedy: str = ""
    ) -> None:
        """Build the one line `path:line: problem; remedy`."""
        place = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{place}: {problem}" + (f"; {remedy}" if remedy else ""))


class ModelError(RerankbenchError):
    """A checkpoint that cannot be used as a reranker."""


class PluginError(RerankbenchError):
    """A plug-in of another package that breaks its contract; the message names both."""


class NewerFileError(RerankbenchError):
    """A file whose schema is newer than this program."""

    def __init__(self, path: Path | str, found: int, known: int) -> None:
        """Name the file and both schemas."""
        super().__init__(
            f"{path}: written with schema {found}, this rerankbench knows {known}; "
            "upgrade rerankbench to read it"
        )


class StorageError(RerankbenchError):
    """The disk refused a write; nothing half-written is left behind."""


class CellsFailedError(RerankbenchError):
    """Some cells failed; the finished ones are recorded."""

    exit_code = 1


LONGEST = 300
"""Characters of a line on the screen; what is longer holds more than a person reads."""


def shortened(line: str, most: int = LONGEST) -> str:
    """The line in at most so many characters; quoted values and long words lose their middle."""
    for longest in (120, 60, 30):
        if len(line) <= most:
            return line
        line = re.sub(r"(?<!\w)'[^']+'(?!\w)|\S+", lambda part: cut(part[0], longest), line)  # noqa: B023
    return cut(line, most)


def cut(text: str, most: int) -> str:
    """Both ends of a text: what names begin with, and the remedy that messages end with."""
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[-end:]}"


def show_traceback(error: BaseException) -> None:
    """Print where an error came from, for those who ask: RERANKBENCH_TRACEBACK=1."""
    if os.environ.get("RERANKBENCH_TRACEBACK"):
        traceback.print_exception(error)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name closest to `name` in whatever case, or all of them."""
    names = {each.lower(): each for each in sorted(known)}
    close = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    return f"did you mean '{names[close[0]]}'?" if close else f"known: {', '.join(names.values())}"


def some(names: Sequence[str], most: int = 5, *, between: str = ", ") -> str:
    """The first few names, and how many more there are: `a, b, c, d, e and 3 more`."""
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more} more" if more > 0 else "")
