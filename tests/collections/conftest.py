"""Small collections written as the tests need them, and caches that no two tests share."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

DOCUMENTS: Sequence[Mapping[str, Any]] = (
    {"_id": "d1", "title": "Tides", "text": "The moon pulls the sea."},
    {"_id": "d2", "title": None, "text": "Naïve café — ünïcode 🙂"},
    {"_id": 3, "text": "An id that is a number, and no title."},
)
QUERIES: Sequence[Mapping[str, Any]] = (
    {"_id": "q2", "text": "moon and sea"},
    {"_id": "q9", "text": "judged in no split"},
    {"_id": "q1", "text": "café"},
)
QRELS = "query-id\tcorpus-id\tscore\nq1\td2\t1\nq2\td1\t2\nq2\t3\t0\n"

WriteFolder = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache home of the test's own."""
    home = tmp_path / "cache"
    monkeypatch.setenv("RERANKBENCH_HOME", str(home))
    return home


def lines(entries: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Writes a BEIR folder; each part is text, bytes, or None to leave its file out."""

    def write(
        name: str = "tiny",
        *,
        corpus: str | bytes | None = lines(DOCUMENTS),
        queries: str | bytes | None = lines(QUERIES),
        splits: Mapping[str, str | bytes] | None = None,
        gzipped: bool = False,
        newline: str = "\n",
    ) -> Path:
        folder = tmp_path / name
        parts = {"corpus.jsonl": corpus, "queries.jsonl": queries}
        for split, qrels in ({"test": QRELS} if splits is None else splits).items():
            parts[f"qrels/{split}.tsv"] = qrels
        for place, body in parts.items():
            if body is None:
                continue
            data = body.replace("\n", newline).encode() if isinstance(body, str) else body
            path = folder / (f"{place}.gz" if gzipped else place)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(gzip.compress(data) if gzipped else data)
        return folder

    return write


@pytest.fixture
def irds_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home for ir_datasets, with the package imported anew: it looks at its home on import."""
    home = tmp_path / "ir_datasets"
    monkeypatch.setenv("IR_DATASETS_HOME", str(home))
    monkeypatch.setenv("IR_DATASETS_TMP", str(tmp_path / "ir_datasets_tmp"))
    for name in _irds_modules():
        monkeypatch.delitem(sys.modules, name)
    yield home
    for name in _irds_modules():
        del sys.modules[name]


def _irds_modules() -> list[str]:
    return [name for name in sys.modules if name.partition(".")[0] == "ir_datasets"]


@pytest.fixture
def zip_folder(irds_home: Path) -> Callable[[Path, str], None]:
    """Puts a BEIR folder where ir_datasets expects the archive of a BEIR collection."""

    def put(folder: Path, collection: str) -> None:
        target = irds_home / "beir" / collection / "source.zip"
        target.parent.mkdir(parents=True)
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(folder.rglob("*.*")):
                archive.write(path, f"{collection}/{path.relative_to(folder)}")

    return put
