"""Record and run files under `results/`, and the working files of unfinished cells.

A record file is written whole or not at all, and its presence means that the cell is done. No
file is ever rewritten by another cell, so `results/` can be committed and merged.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config

from rerankbench.errors import InputError, NewerFileError, cut
from rerankbench.files.swap import recover
from rerankbench.files.trec import format_run, parse_formatted, read_run
from rerankbench.files.whole import cache_home, gzip_bytes, read_lines, read_whole, write_whole
from rerankbench.results.identity import record_key
from rerankbench.types import Ranking, Record

# A new field that may be absent needs no step: `candidates` is null in records made before it.
# After another change of the format, add a step to _UPGRADES that converts the previous one.
# 2: cells say whether missed positives were added to the candidates; before, none did.
# 3: fields for what a reranker is and reads and what its scores are; before, only its recipe said.
SCHEMA = 3


def _with_typed_recipe(raw: dict[str, Any]) -> dict[str, Any]:
    """Schema 3: set the fields that the recipe implied. Anything malformed is refused later."""
    cell = raw.get("cell")
    reranker = cell.get("reranker") if isinstance(cell, dict) else None
    recipe = reranker.get("recipe", {}) if isinstance(reranker, dict) else None
    if not (isinstance(cell, dict) and isinstance(reranker, dict) and isinstance(recipe, dict)):
        return {**raw, "schema": 3}
    order = str(recipe.get("order", ""))
    family = reranker.get("family")
    baseline = order if order in ("first-stage", "oracle") else "random"
    role = {"imported": "imported", "baseline": baseline}.get(str(family), "model")
    once = recipe.get("documents") == "encoded once per collection"
    typed = {
        "role": role,
        "reads": "lists" if recipe.get("scores_lists") else "documents-once" if once else "pairs",
        "scale": {"-rank": "rank", "cosine": "cosine"}.get(str(recipe.get("score")), "logit"),
        "fusion": recipe.get("fusion"),
    }
    return {**raw, "schema": 3, "cell": {**cell, "reranker": {**reranker, **typed}}}


_UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda raw: {**raw, "schema": 2},
    2: _with_typed_recipe,
}

BASELINES = "baselines"
"""The folder below the results that holds baselines, each with its own records."""

_RECORD_ANEW = "restore it from git, or delete it and run its cell again"
_RUN_ANEW = "restore it from git, or run its cell again with --fresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The folder of one suite's records and runs."""

    results: Path
    suite: str

    def record_path(self, quality_key: str, speed_key: str) -> Path:
        """The path of that cell's record, whether it exists or not."""
        name = f"{record_key(quality_key, speed_key)}.json"
        return self.results / self.suite / "records" / name

    def find(self, quality_key: str, speed_key: str) -> Record | None:
        """The finished record of that cell, or None."""
        path = self.record_path(quality_key, speed_key)
        return read_record(path) if path.exists() else None

    def run_path(self, quality_key: str) -> Path:
        """The path of the reranked run; cells with equal quality keys share it."""
        return self.results / self.suite / "runs" / f"{quality_key}.trec.gz"

    def task_path(self, task_key: str) -> Path:
        """The path of the queries, judgments and candidates that a task's cells share."""
        return self.results / self.suite / "tasks" / f"{task_key}.json.gz"

    def judged_path(self, task_key: str, key: str) -> Path:
        """The path of a judge's answers on two rankings of that task."""
        return self.results / self.suite / "judged" / f"{task_key}-{key}.json"

    def judged_paths(self, task_key: str) -> list[Path]:
        """All answers of judges on that task."""
        return sorted((self.results / self.suite / "judged").glob(f"{task_key}-*.json"))

    def write(self, record: Record, rankings: Sequence[Ranking], *, fresh: bool = False) -> Path:
        """Write the run, then the record, whose presence means that the cell is done.

        A run that another machine or engine wrote under the same quality key stays, unless `fresh`
        or damaged.
        """
        run_path = self.run_path(record.quality_key)
        if fresh or not _is_run(run_path):
            tag = record.cell.reranker.name.replace("/", "_")
            write_whole(run_path, gzip_bytes(format_run(rankings, tag)))
        return self.write_record(record)

    def write_record(self, record: Record) -> Path:
        """Write a record whose run is on disk already."""
        path = self.record_path(record.quality_key, record.speed_key)
        write_whole(path, dump_record(record))
        return path

    def rankings(self, record: Record) -> list[Ranking] | None:
        """The rankings behind a record; None if the run file has another hash.

        Raises InputError for a damaged file.
        """
        if record.run_sha256 == run_sha256(()):
            return []  # No query has results, so the run file is empty.
        path = self.run_path(record.quality_key)
        if not path.exists():
            return None
        try:
            text = "".join(f"{line}\n" for _, line in read_lines(path))
            if _text_sha256(text) == record.run_sha256:
                return parse_formatted(text)
            read_run(path)  # Raises if it is not a run; a valid run is just another one.
        except InputError as error:
            raise InputError(path, "the run file is damaged", remedy=_RUN_ANEW) from error
        return None


def _is_run(path: Path) -> bool:
    """Whether there is a complete run, whatever machine or engine made it."""
    try:
        read_run(path)
    except InputError:
        return False
    return True


def run_sha256(rankings: Iterable[Ranking]) -> str:
    """Hash of the rankings with their full-precision scores, whatever the order of the queries."""
    return _text_sha256(format_run(rankings, "x"))


def _text_sha256(run: str) -> str:
    """The same for text made by `format_run`, whatever its tag."""
    lines = [line.rpartition(" ")[0] for line in run.split("\n")[:-1]]
    of_queries = groupby(lines, key=lambda line: line.partition(" ")[0])
    blocks = sorted((query, list(block)) for query, block in of_queries)
    text = "".join(f"{line} x\n" for _, block in blocks for line in block)
    return hashlib.sha256(text.encode()).hexdigest()


def dump_record(record: Record) -> bytes:
    """A record's file: JSON, one value a line, so that git shows readable differences."""
    return _adapter().dump_json(record, indent=1) + b"\n"


def read_record(path: Path) -> Record:
    """Read one record file. Raises InputError, or NewerFileError for a later schema."""
    return parse_record(path, read_whole(path))


def parse_record(path: Path, body: bytes) -> Record:
    """The record in a file's content, wherever that was read. Raises as `read_record` does."""
    try:
        return _parse(path, body)
    except ValidationError as error:
        first = error.errors()[0]
        # Keys are arbitrary names of any length.
        place = cut(" ".join(".".join(map(str, first["loc"])).split()), 80)
        problem = f"is not a record ({place}: {first['msg']})" if place else "is not a record"
        raise InputError(path, problem, remedy=_RECORD_ANEW) from None


def _parse(path: Path, body: bytes) -> Record:
    # The schema comes first in the file; only older ones need the slower way over a dict.
    if body[:40].lstrip(b"{ \n").startswith(b'"schema": %d,' % SCHEMA):
        return _adapter().validate_json(body)
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raw = None
    schema = raw.get("schema") if isinstance(raw, dict) else None
    if type(schema) is not int or schema < min(_UPGRADES, default=SCHEMA):
        raise InputError(path, "is not a record (no known schema in it)", remedy=_RECORD_ANEW)
    if schema > SCHEMA:
        raise NewerFileError(path, schema, SCHEMA)
    for step in range(schema, SCHEMA):
        raw = _UPGRADES[step](raw)
    return _adapter().validate_json(json.dumps(raw))


def read_records(paths: Sequence[Path]) -> list[Record]:
    """All records below folders, or in the files themselves; each file once, in path order.

    Baselines count only if one of them, or their common folder, is named: otherwise they would
    pass for results. Raises InputError for a path that is missing or has no records.
    """
    return [read_record(path) for path in _files(paths)]


def suite_folders(paths: Sequence[Path]) -> list[Path]:
    """The suites' folders of those records, with `runs/` and `tasks/`. Raises in the same way."""
    return list(dict.fromkeys(path.parent.parent for path in map(Path.resolve, _files(paths))))


def _files(paths: Sequence[Path]) -> list[Path]:
    files: dict[Path, Path] = {}
    for path in paths:
        recover(path.parent)
        if not path.exists():
            remedy = "run `rerankbench run` first, or name a folder with records"
            raise InputError(path, "no such file or folder", remedy=remedy)
        for file in _record_files(path) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), file)
    if not files:
        names = ", ".join(str(path) for path in paths)
        raise InputError(names, "has no records", remedy="run `rerankbench run` first")
    return list(files.values())


def _record_files(folder: Path) -> list[Path]:
    recover(folder)
    is_records = folder.resolve().name == "records"
    inside = folder.glob("*.json") if is_records else folder.rglob("records/*.json")
    return sorted(
        path
        for path in inside
        if not _is_hidden(path.relative_to(folder))
        and not _is_of_baseline(path.relative_to(folder))
    )


def _is_hidden(path: Path) -> bool:
    """Whether it or a folder above it is hidden, such as a baseline that is being written."""
    return any(part.startswith(".") for part in path.parts)


def _is_of_baseline(path: Path) -> bool:
    """Whether it is `…/baselines/NAME/records/FILE`."""
    return path.parts[-4:-3] == (BASELINES,)


@cache
def _adapter() -> TypeAdapter[Record]:
    # Strict: "0.5", true and NaN are not accepted as numbers.
    return TypeAdapter(with_config(ConfigDict(strict=True, allow_inf_nan=False))(Record))


def work_folder(key: str) -> Path:
    """The folder of an unfinished cell's journal and error."""
    return cache_home() / "work" / key


def keep_error(key: str, text: str) -> Path:
    """Save the error of a cell for people to read."""
    path = work_folder(key) / "error.txt"
    write_whole(path, text)
    return path


def forget_work(key: str) -> None:
    """Delete the journal of a cell that is finished or starts again."""
    shutil.rmtree(work_folder(key), ignore_errors=True)
