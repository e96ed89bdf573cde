"""What was named on the command line, as rows or as parts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rerankbench.errors import InputError, UsageError
from rerankbench.files.part_files import (
    NEEDED,
    Part,
    PartFiles,
    RowFiles,
    choose_parts,
    find_parts,
    find_rows,
    part_files,
    part_of,
    suffix_of,
)
from rerankbench.files.whole import read_lines

_FORMS = "a file of rows, or a folder with a corpus, queries and qrels"
_DEFAULT_SPLIT = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Paths as they were given, and the files of parts that options name."""

    paths: Sequence[Path]
    queries: Path | None = None
    corpus: Path | None = None
    qrels: Path | None = None
    split: str | None = None


def find(named: Named) -> RowFiles | PartFiles:
    """What there is to convert. Raises InputError, or UsageError where it is not clear what."""
    if named.split is not None and not re.fullmatch(r"\w[\w.-]*", named.split):
        raise UsageError(f"--split {named.split}: expected a name such as test or dev.small")
    options: dict[Part, Path | None] = {
        "queries": named.queries,
        "corpus": named.corpus,
        "qrels": named.qrels,
    }
    named_parts = {part: path for part, path in options.items() if path is not None}
    for path in (*named.paths, *named_parts.values()):
        if not path.exists():
            raise InputError(path, "no such file or folder", remedy="check the path")
    folders = [path for path in named.paths if path.is_dir()]
    if named_parts or (len(named.paths) > 1 and all(map(part_of, named.paths)) and not folders):
        return _named_parts(named, named_parts)
    if not folders:
        split = named.split or _DEFAULT_SPLIT
        return RowFiles(split=split, paths=tuple(named.paths))
    if len(named.paths) > 1:
        raise UsageError(f"{folders[0]}: is a folder; name one folder, or files")
    return _in_folder(folders[0], named.split)


def _in_folder(folder: Path, split: str | None) -> RowFiles | PartFiles:
    parts = find_parts(folder, split)
    if parts is not None:
        _refuse_collection(folder, parts)
        return parts
    rows = find_rows(folder, split)
    if rows is not None:
        return rows
    if any(folder.glob("*.arrow")) or any(folder.glob("*/*.arrow")):
        problem, remedy = "holds Arrow files, which are not read", "save them with to_parquet()"
        raise InputError(folder, problem, remedy=remedy)
    remedy = "name the files: --queries, --corpus and --qrels FILE"
    raise InputError(folder, f"is not {_FORMS}", remedy=remedy)


def _named_parts(named: Named, paths_by_part: Mapping[Part, Path]) -> PartFiles:
    """Parts that options name, or that names of files tell; a folder gives what is missing."""
    parts: dict[Part, tuple[Path, ...]] = {}
    for path in named.paths:
        part = part_of(path)
        if path.is_dir():
            parts |= part_files(path)
        elif part is None:
            raise UsageError(f"{path}: which part is it? say --queries, --corpus or --qrels FILE")
        else:
            parts[part] = (*parts.get(part, ()), path)
    parts |= {part: (path,) for part, path in paths_by_part.items()}
    for needed in NEEDED:
        if not parts.get(needed):
            raise UsageError(f"there is no file of {needed}; name it: --{needed} FILE")
    at = named.paths[0] if named.paths else next(iter(paths_by_part.values()))
    return choose_parts(parts, named.split, at)


def _refuse_collection(folder: Path, parts: PartFiles) -> None:
    """What `run` reads as it is needs no converting; other keys in the same files do."""
    names = [path.name.removesuffix(".gz") for path in (*parts.corpus, *parts.queries)]
    tsv = all(path.parent.name == "qrels" and suffix_of(path) == ".tsv" for path in parts.qrels)
    if names != ["corpus.jsonl", "queries.jsonl"] or not tsv:
        return
    with suppress(ValueError, StopIteration):
        keys = [
            json.loads(next(read_lines(path))[1]).keys()
            for path in (*parts.corpus, *parts.queries)
        ]
        if all({"_id", "text"} <= line_keys for line_keys in keys):
            line = f"rerankbench run -d {shlex.quote(str(folder))}"
            raise UsageError(f"{folder}: is a collection already; {line}")
