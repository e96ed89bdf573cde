"""BM25 indexes on disk: a bm25s index, the document ids, and a manifest that is written last.

An index folder appears complete or not at all: it is built beside its place and renamed. The
manifest has a checksum of every file, so that damage is noticed before anything is ranked. Arrays
are memory-mapped, and nothing is unpickled.
"""

from __future__ import annotations

import json
import shutil
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rerankbench.errors import StorageError
from rerankbench.files.partials import folder_beside
from rerankbench.firststage.inverted import Integers, ScoreMatrix
from rerankbench.types import Json

FORMAT = 1
"""Part of every index key: raise it whenever the format of the files changes."""

_MANIFEST = "manifest.json"
_ID_BYTES, _ID_ENDS = "doc_ids.npy", "doc_id_ends.npy"


class DamagedIndexError(StorageError):
    """An index folder whose content has changed; it can be built again."""


class DocIds:
    """Document ids by row, as one string of UTF-8 bytes and the end of each id in it."""

    def __init__(self, text: Integers, ends: Integers) -> None:
        """Take the two arrays (uint8 and int64) without copying."""
        self._text = text
        self._ends = ends

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, row: int) -> str:
        start = int(self._ends[row - 1]) if row else 0
        # Lone surrogates are not UTF-8, but JSON can contain them.
        return self._text[start : int(self._ends[row])].tobytes().decode("utf-8", "surrogatepass")


class DocIdsBuilder:
    """Collects ids without keeping a Python string for each."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q")

    def add(self, doc_id: str) -> None:
        """Append the id of the next row."""
        self._text += doc_id.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))

    def arrays(self) -> tuple[Integers, Integers]:
        """The bytes of all ids, and the end of each."""
        return np.frombuffer(self._text, dtype=np.uint8), np.array(self._ends, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What retrieval needs: a `bm25s.BM25` whose tokens are `field:term`, and its rows' ids."""

    engine: Any
    doc_ids: DocIds


def save(folder: Path, matrix: ScoreMatrix, ids: DocIdsBuilder, about: Mapping[str, Json]) -> None:
    """Write an index, unless another process was faster.

    `about` is stored in the manifest for people. Raises StorageError if
    that fails.
    """
    try:
        with folder_beside(folder) as partial:
            _engine(matrix).save(partial, show_progress=False)
            text, ends = ids.arrays()
            np.save(partial / _ID_BYTES, text, allow_pickle=False)
            np.save(partial / _ID_ENDS, ends, allow_pickle=False)
            files = {path.name: _checksum(path) for path in sorted(partial.iterdir())}
            manifest = {"format": FORMAT, "about": about, "files": files}
            (partial / _MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            try:
                partial.rename(folder)
            except OSError:
                if not (folder / _MANIFEST).exists():
                    raise
    except OSError as error:
        problem = f"cannot be written ({error.strerror or error})"
        raise StorageError(f"{folder}: {problem}; free space or set RERANKBENCH_HOME") from error


def _engine(matrix: ScoreMatrix) -> Any:
    """The matrix as a bm25s object; its own indexer would need all texts in memory as lists."""
    import bm25s

    engine = bm25s.BM25(k1=matrix.k1, b=matrix.b, method="lucene")
    engine.scores = {
        "data": matrix.scores,
        "indices": matrix.documents,
        "indptr": matrix.starts,
        "num_docs": matrix.document_count,
    }
    engine.vocab_dict = matrix.vocabulary
    engine.nonoccurrence_array = None
    return engine


def load(folder: Path) -> Index:
    """The index in a folder. Raises DamagedIndexError."""
    import bm25s

    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
        for name, checksum in manifest["files"].items():
            if _checksum(folder / name) != checksum:
                raise DamagedIndexError(f"{folder}: {name} has changed since it was written")
        engine = bm25s.BM25.load(folder, mmap=True, allow_pickle=False, show_progress=False)
        # Plain arrays over the mapped files: slicing np.memmap itself is slow.
        for name in ("data", "indices", "indptr"):
            engine.scores[name] = np.asarray(engine.scores[name])
        text, ends = (
            np.asarray(np.load(folder / name, mmap_mode="r", allow_pickle=False))
            for name in (_ID_BYTES, _ID_ENDS)
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedIndexError(f"{folder}: the index cannot be read ({error})") from error
    return Index(engine=engine, doc_ids=DocIds(text, ends))


def _checksum(path: Path) -> int:
    """CRC-32 of a file: against accidents, at a gigabyte a second."""
    crc = 0
    with path.open("rb") as handle:
        while chunk := handle.read(1 << 22):
            crc = zlib.crc32(chunk, crc)
    return crc


def remove(folder: Path) -> None:
    """Delete a damaged index. Raises StorageError if that fails."""
    try:
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    except OSError as error:
        problem = f"cannot be removed ({error.strerror or error})"
        raise StorageError(f"{folder}: {problem}; remove it by hand") from error
