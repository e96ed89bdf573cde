"""Names of files that hold a part of a collection, and the splits that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from rerankbench.errors import UsageError
from rerankbench.files.part_files import (
    PartFiles,
    convert_line,
    find_parts,
    find_rows,
    part_of,
    split_of,
)


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("name", "part", "split"),
    [
        ("queries.dev.small.tsv", "queries", "dev.small"),
        ("queries.tsv", "queries", ""),
        ("topics.dl20.txt", "queries", "dl20"),
        ("msmarco-docdev-queries.tsv.gz", "queries", "msmarco-docdev"),
        ("collection.tsv", "corpus", ""),
        ("msmarco-docs.tsv", "corpus", "msmarco"),
        ("corpus-00000-of-00002.parquet", "corpus", ""),
        ("qrels.dev.small.tsv", "qrels", "dev.small"),
        ("2019qrels-pass.txt", "qrels", "2019-pass"),
        ("qrels-queries.tsv", "qrels", ""),
        ("test-00000-of-00001-7c3adfa6ae2b0c1d.parquet", None, "test"),
        ("dev.jsonl.gz", None, "dev"),
        ("support.csv", None, "support"),
        ("questions_and_passages.csv", None, "questions_and"),
    ],
)
def test_what_names_say(name: str, part: str | None, split: str) -> None:
    assert part_of(Path(name)) == part
    assert split_of(Path(name)) == split


def test_a_folder_as_hugging_face_keeps_it(tmp_path: Path) -> None:
    names = (
        "README.md",
        "corpus/corpus-00000-of-00002.parquet",
        "corpus/corpus-00001-of-00002.parquet",
        "queries/queries-00000-of-00001.parquet",
        "data/test-00000-of-00001.parquet",
        "data/dev-00000-of-00001.parquet",
    )
    folder = _touch(tmp_path, *names)
    found = find_parts(folder, None)
    assert found == PartFiles(
        split="test",
        corpus=tuple(folder / name for name in names[1:3]),
        queries=(folder / names[3],),
        qrels=(folder / names[4],),
    )
    dev = find_parts(folder, "dev")
    assert dev is not None
    assert dev.qrels == (folder / names[5],)
    with pytest.raises(UsageError, match="no split 'train'; there is: dev, test"):
        find_parts(folder, "train")


def test_queries_are_those_of_the_judgments(tmp_path: Path) -> None:
    names = ("collection.tsv", "queries.dev.tsv", "queries.train.tsv", "qrels.dev.tsv")
    folder = _touch(tmp_path, *names)
    found = find_parts(folder, None)
    assert found is not None
    assert (found.split, [path.name for path in found.queries]) == ("dev", ["queries.dev.tsv"])
    _touch(folder, "qrels.dl.tsv")
    with pytest.raises(UsageError, match=r"several files of queries .* name one: --queries FILE"):
        find_parts(folder, "dl")
    with pytest.raises(UsageError, match="several splits; name one: --split NAME"):
        find_parts(folder, None)
    assert convert_line(folder) == f"rerankbench convert {folder}"


def test_rows_in_a_folder(tmp_path: Path) -> None:
    folder = _touch(
        tmp_path, "data/test-00000-of-00002.parquet", "data/test-00001-of-00002.parquet"
    )
    found = find_rows(folder, None)
    assert found is not None
    assert (found.split, len(found.paths)) == ("test", 2)
    assert convert_line(_touch(tmp_path / "empty", "notes.md")) is None
    assert convert_line(tmp_path / "not there") is None
    assert convert_line(tmp_path / "empty" / "notes.md") is None
