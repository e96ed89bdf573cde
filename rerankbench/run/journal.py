"""The journal of a cell while it is scored: one line for every finished batch.

A killed process loses only the batch it was working on. The first line says what the
scores belong to; in any other situation the journal starts again. Every other line ends
in a checksum of itself and of the first: a line that does not verify, and all after it, is scored
again.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rerankbench.errors import StorageError
from rerankbench.files.checksums import is_sealed, seal, unseal
from rerankbench.files.whole import write_whole
from rerankbench.protocols import ScoredBatch

FORMAT = 2
"""Named in the first line. Journals without it are of format 1: the same lines, no checksums."""


class Journal:
    """Scores by pair index, in memory and on disk. Use as a context manager."""

    def __init__(
        self,
        path: Path,
        header: Mapping[str, Any],
        *,
        belongs: Callable[[Collection[int]], bool] = lambda pairs: True,
    ) -> None:
        """Resume from the lines that an earlier process with the same header wrote.

        `belongs` says whether pairs may form a batch; other lines are ignored. Anything
        dropped, except the torn end of a killed process, is reported in `damage`.
        """
        self._path = path
        self._header = json.dumps({**header, "journal": FORMAT}, sort_keys=True)
        self._first_header = json.dumps(header, sort_keys=True)
        self._belongs = belongs
        self.scores: dict[int, float] = {}
        self.truncated_pairs = 0
        self.answers: Counter[str] = Counter()
        self.damage: str | None = None
        self._handle: IO[str] | None = None
        self._kept = self._pick_up()

    def _pick_up(self) -> list[str]:
        """The complete lines of the file, without a last one that was cut off."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.damage = f"cannot be read ({error.strerror}): everything is scored again"
            return []
        lines = text.split("\n")[:-1]
        if not lines or lines[0] not in (self._header, self._first_header):
            self.damage = (
                "is damaged, or of other candidates or packages: everything is scored again"
            )
            return []
        read = self._verified if lines[0] == self._header else _without_checksum
        valid = [self._header]
        for number, line in enumerate(lines[1:], start=2):
            try:
                batch = _batch(read(line))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self.damage = (
                    f"line {number} does not verify: it and all after it are scored again"
                )
                break
            if self.scores.keys() >= set(batch.pairs) or not self._belongs(batch.pairs):
                continue  # A duplicate, or not a valid batch: scored again.
            self._count(batch)
            valid.append(self._line(batch))
        return valid

    def _verified(self, line: str) -> dict[str, Any]:
        return unseal(line, self._header)

    def _line(self, batch: ScoredBatch) -> str:
        line: dict[str, Any] = {
            "pairs": list(batch.pairs),
            "scores": list(batch.scores),
            "truncated": batch.truncated_pairs,
        }
        if batch.answers:
            line["answers"] = dict(batch.answers)
        return seal(line, self._header)

    def __enter__(self) -> Self:
        """Open the file for appending; a torn end is cut off first."""
        lines = self._kept or [self._header]
        write_whole(self._path, "".join(f"{line}\n" for line in lines))
        try:
            self._handle = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._refused(error) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; a full disk is reported only once."""
        assert self._handle is not None, "closed before it was opened"
        try:
            self._handle.close()
        except OSError as closing:
            if error is None:
                raise self._refused(closing) from closing

    def add(self, batch: ScoredBatch) -> None:
        """Save a batch; from here on it survives the process. Raises StorageError."""
        if not self._belongs(batch.pairs):
            raise ValueError("a batch holds a part of a list whose scores depend on all of it")
        self._count(batch)
        assert self._handle is not None, "Journal.add outside its with block"
        try:
            self._handle.write(self._line(batch) + "\n")
            self._handle.flush()
        except OSError as error:
            raise self._refused(error) from error

    def _count(self, batch: ScoredBatch) -> None:
        self.scores.update(zip(batch.pairs, batch.scores, strict=True))
        self.truncated_pairs += batch.truncated_pairs
        self.answers.update(batch.answers)

    def _refused(self, error: OSError) -> StorageError:
        reason = error.strerror or error
        return StorageError(
            f"{self._path}: cannot be written ({reason}); free space or set RERANKBENCH_HOME"
        )


def _without_checksum(line: str) -> Any:
    """Parse a line of format 1. Raises ValueError for one of format 2 under its header."""
    if is_sealed(line):
        raise ValueError("its header is that of a journal without checksums")
    return json.loads(line)


def _batch(batch: Any) -> ScoredBatch:
    """Make a batch of a parsed line. Raises if it is not one."""
    pairs, scores = [int(pair) for pair in batch["pairs"]], list(map(float, batch["scores"]))
    if not all(map(math.isfinite, scores)) or len(pairs) != len(scores):
        raise ValueError("a score is not finite, or missing")
    return ScoredBatch(
        pairs=pairs,
        scores=scores,
        truncated_pairs=int(batch["truncated"]),
        answers={str(kind): int(count) for kind, count in batch.get("answers", {}).items()},
    )
