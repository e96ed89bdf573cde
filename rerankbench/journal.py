"""The journal of a cell that is being scored: one line for every finished batch.

A killed process loses the batch it was working on and nothing else. The first line says what the
scores belong to; under any other circumstances the journal is started anew.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from rerankbench.errors import StorageError
from rerankbench.files import write_whole
from rerankbench.protocols import ScoredBatch


class Journal:
    """Scores by pair index, in memory and on disk. Use as a context manager."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Pick up what an earlier process with the same header left."""
        self._path = path
        self._header = json.dumps(header, sort_keys=True)
        self.scores: dict[int, float] = {}
        self.truncated_pairs = 0
        self._handle: IO[str] | None = None
        self._kept = self._pick_up()

    def _pick_up(self) -> list[str]:
        """The whole lines of the file, without a last one that was cut off."""
        if not self._path.exists():
            return []
        lines = self._path.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
        if not lines or lines[0] != self._header:
            return []
        kept = [lines[0]]
        for line in lines[1:]:
            try:
                found, truncated = _batch(line)
            except (ValueError, KeyError, TypeError):
                break  # Damaged from here on: these batches are scored again.
            if found.keys() <= self.scores.keys():
                continue  # Appended twice.
            self.scores.update(found)
            self.truncated_pairs += truncated
            kept.append(line)
        return kept

    def __enter__(self) -> Self:
        """Open the file for appending, first cutting off a torn end."""
        kept = self._kept or [self._header]
        write_whole(self._path, "".join(f"{line}\n" for line in kept))
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
        """Close the file; a full disk that was complained of is not complained of again."""
        assert self._handle is not None, "closed before it was opened"
        try:
            self._handle.close()
        except OSError as closing:
            if error is None:
                raise self._refused(closing) from closing

    def add(self, batch: ScoredBatch) -> None:
        """Keep a batch; it survives the process from here on. Raises StorageError."""
        self.scores.update(zip(batch.pairs, batch.scores, strict=True))
        self.truncated_pairs += batch.truncated_pairs
        line = {
            "pairs": list(batch.pairs),
            "scores": list(batch.scores),
            "truncated": batch.truncated_pairs,
        }
        assert self._handle is not None, "Journal.add outside its with block"
        try:
            self._handle.write(json.dumps(line, separators=(",", ":")) + "\n")
            self._handle.flush()
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> StorageError:
        reason = error.strerror or error
        return StorageError(
            f"{self._path}: cannot be written ({reason}); free space or set RERANKBENCH_HOME"
        )


def _batch(line: str) -> tuple[dict[int, float], int]:
    """Scores by pair, and how many pairs were truncated. Raises for what is no such line."""
    batch = json.loads(line)
    pairs, scores = map(int, batch["pairs"]), [float(score) for score in batch["scores"]]
    if not all(map(math.isfinite, scores)):
        raise ValueError("a score is not finite")
    return dict(zip(pairs, scores, strict=True)), int(batch["truncated"])
