"""Files that are no BEIR folder and can become one: told by their names alone, nothing is read.

Two kinds: rows with a query and documents in each (CSV, TSV, JSON lines, parquet), and a corpus,
queries and judgments apart from each other, in one folder or in folders of those names
(MS MARCO's files, Hugging Face's data sets).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rerankbench.errors import UsageError

Part = Literal["corpus", "queries", "qrels", "candidates"]
Splits = Mapping[str, tuple[Path, ...]]

ROW_SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
NEEDED: tuple[Part, ...] = ("corpus", "queries", "qrels")
_QRELS_SUFFIXES = (".txt", ".qrels", ".trec", ".qrel")
_WORDS: Mapping[Part, tuple[str, ...]] = {
    # In this order: qrels may be named after the queries.
    "qrels": ("qrels", "qrel"),
    "candidates": ("top_ranked", "top-ranked"),
    "queries": ("queries", "query", "topics"),
    "corpus": ("collection", "corpus", "documents", "docs", "passages"),
}
_ANYWHERE = ("qrels", "qrel", "queries", "topics", "collection", "corpus")
"""What says so in the middle of a name too; `answers_and_passages.csv` may well be rows."""
_QRELS_FOLDERS = ("data", "default")
"""What Hugging Face calls the judgments where nothing else is said."""
_SHARD = re.compile(r"[-_.]\d{2,5}-of-\d{2,5}(?:-[0-9a-f]{16})?$")
_USUAL = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFiles:
    """A corpus, queries and judgments of one split; `candidates` may be none."""

    split: str
    corpus: tuple[Path, ...]
    queries: tuple[Path, ...]
    qrels: tuple[Path, ...]
    candidates: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFiles:
    """Files of rows that belong together."""

    split: str
    paths: tuple[Path, ...]


def convert_line(path: Path) -> str | None:
    """What to type to make a collection of a path; None for what `convert` does not read."""
    if not (is_rows(path) if path.is_file() else _is_convertible(path)):
        return None
    return f"rerankbench convert {shlex.quote(str(path))}"


def suffix_of(path: Path) -> str:
    """The ending that tells the form, in lower case; `.gz` behind it is left out."""
    return Path(path.name.lower().removesuffix(".gz")).suffix


def is_rows(path: Path) -> bool:
    return suffix_of(path) in ROW_SUFFIXES


def part_of(path: Path) -> Part | None:
    """Which part a file or folder is, by its name."""
    name = path.name.lower().removeprefix("msmarco-")
    for part, words in _WORDS.items():
        for word in words:
            # TREC has 2019qrels-pass.txt.
            start = r"(?<![a-z])" if word in _ANYWHERE else "^"
            if re.search(rf"{start}{word}(?![a-z])", name):
                return part
    return None


def split_of(path: Path) -> str:
    """`dev.small` of qrels.dev.small.tsv, `test` of test-00000-of-00002.parquet, or nothing."""
    name = _SHARD.sub("", path.name.lower().removesuffix(".gz").removesuffix(suffix_of(path)))
    for words in _WORDS.values():
        for word in words:
            name = re.sub(rf"(?<![a-z]){word}(?![a-z])", "", name)
    return re.sub(r"[-_.]*\.[-_.]*", ".", name).strip("-_.")


def find_parts(folder: Path, split: str | None) -> PartFiles | None:
    """The parts in a folder; None where one of the three is missing. Raises UsageError.

    A part with several splits gives the one of `split`, or `test`, or the only one.
    """
    parts = part_files(folder)
    if not all(parts.get(part) for part in NEEDED):
        return None
    return choose_parts(parts, split, folder)


def part_files(folder: Path) -> dict[Part, tuple[Path, ...]]:
    """The files of each part that a folder holds, of all splits."""
    parts = {part: _part_files(folder, part) for part in _WORDS}
    if not parts["qrels"] and parts["corpus"] and parts["queries"]:
        named = [folder / name for name in _QRELS_FOLDERS]
        parts["qrels"] = next(filter(None, map(_rows_in, named)), ())
    return {part: paths for part, paths in parts.items() if paths}


def choose_parts(parts: Mapping[Part, Iterable[Path]], split: str | None, at: Path) -> PartFiles:
    """One split of the files of each part. Raises UsageError where it is not clear which."""
    qrels = by_split(parts["qrels"])
    chosen = choose_split(qrels, split, at, "--qrels FILE")
    queries = by_split(parts["queries"])
    named = next(iter(queries)) if len(queries) == 1 else chosen
    if named not in queries:
        names = ", ".join(path.name for paths in queries.values() for path in paths)
        raise UsageError(f"{at}: several files of queries ({names}); name one: --queries FILE")
    corpus, candidates = by_split(parts["corpus"]), by_split(parts.get("candidates", ()))
    every = tuple(path for paths in corpus.values() for path in paths)
    return PartFiles(
        split=chosen or split or _USUAL,
        corpus=corpus.get(chosen, every),
        queries=queries[named],
        qrels=qrels[chosen],
        candidates=candidates.get(chosen, candidates.get("", ())),
    )


def find_rows(folder: Path, split: str | None) -> RowFiles | None:
    """The files of rows in a folder or its `data`; None where there are none, or parts."""
    paths = _rows_in(folder) or _rows_in(folder / "data")
    if not paths or any(map(part_of, paths)):
        return None
    splits = by_split(paths)
    chosen = choose_split(splits, split, folder, "the file")
    return RowFiles(split=chosen or split or _USUAL, paths=splits[chosen])


def by_split(paths: Iterable[Path]) -> Splits:
    splits: dict[str, tuple[Path, ...]] = {}
    for path in paths:
        splits[split_of(path)] = (*splits.get(split_of(path), ()), path)
    return splits


def choose_split(splits: Splits, wanted: str | None, at: Path, how: str) -> str:
    """The split that was asked for, or `test`, or the only one. Raises UsageError."""
    names = ", ".join(name or "(none)" for name in splits)
    if wanted is not None and wanted in splits:
        return wanted
    if len(splits) == 1 and (wanted is None or "" in splits):
        return next(iter(splits))
    if wanted is not None:
        raise UsageError(f"{at}: no split '{wanted}'; there is: {names}")
    if _USUAL in splits:
        return _USUAL
    raise UsageError(f"{at}: several splits; name one: --split NAME ({names}), or {how}")


def _is_convertible(folder: Path) -> bool:
    try:
        return find_parts(folder, None) is not None or find_rows(folder, None) is not None
    except UsageError:
        return True  # There are several: `convert` says what to choose from.
    except OSError:
        return False


def _part_files(folder: Path, part: Part) -> tuple[Path, ...]:
    """The files of a part, in the folder or in one of its name."""
    suffixes = ROW_SUFFIXES + (_QRELS_SUFFIXES if part == "qrels" else ())
    beside = [
        path
        for path in _visible(folder)
        if part_of(path) == part and path.is_file() and suffix_of(path) in suffixes
    ]
    inside = [
        path
        for entry in _visible(folder)
        if part_of(entry) == part and entry.is_dir()
        for path in _visible(entry)
        if path.is_file() and suffix_of(path) in suffixes
    ]
    return tuple(inside or beside)


def _rows_in(folder: Path) -> tuple[Path, ...]:
    return tuple(path for path in _visible(folder) if path.is_file() and is_rows(path))


def _visible(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "_")))
