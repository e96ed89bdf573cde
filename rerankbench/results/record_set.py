"""Records together with the files beside them: reranked runs, tasks, and judges' answers.

Files are read on demand, once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rerankbench.results import first_stages, row_names
from rerankbench.results.store import BASELINES, Store, read_records, suite_folders
from rerankbench.results.tasks import Task, read_task
from rerankbench.results.verdicts import JudgedMatch, read_judged
from rerankbench.types import Ranking, Record, TaskKey


class RecordSet:
    """Finished records and the other files in their suites' folders."""

    def __init__(self, records: Sequence[Record], stores: Sequence[Store] = ()) -> None:
        """Without stores there are only records: no tasks, no rankings."""
        self.records = tuple(records)
        self._stores = tuple(stores)
        self._first_stages: dict[TaskKey, str] = {}
        self._tasks: dict[str, Task | None] = {}
        self._rankings: dict[tuple[str, str], tuple[Ranking, ...] | None] = {}
        self._judged: dict[str, tuple[JudgedMatch, ...]] = {}

    def first_stage(self, record: Record) -> str:
        """What the record's first stage is called, told apart from others of the set."""
        if not self._first_stages:
            self._first_stages = first_stages.titles(self.records)
        return self._first_stages[record.task]

    def store(self, record: Record) -> Store | None:
        """The store of the record; None if the set has none."""
        keys = record.quality_key, record.speed_key
        return next((store for store in self._stores if store.record_path(*keys).exists()), None)

    def is_baseline(self, record: Record) -> bool:
        """Whether it comes from a baseline of the gate, which keeps records alone."""
        in_baselines = any(store.results.name == BASELINES for store in self._stores)
        return in_baselines and self.store(record) is None

    def task(self, record: Record) -> Task | None:
        """The queries, judgments and candidates of the record; None if the file is missing.

        Raises InputError for a damaged file.
        """
        key = record.cell.task.digest
        if key not in self._tasks:
            paths = (store.task_path(key) for store in self._stores)
            task_path = next((path for path in paths if path.exists()), None)
            self._tasks[key] = None if task_path is None else read_task(task_path)
        return self._tasks[key]

    def rankings(self, record: Record) -> tuple[Ranking, ...] | None:
        """The rankings behind the record; None if no run file matches its hash.

        Raises InputError for a damaged file.
        """
        key = record.quality_key, record.run_sha256
        if key not in self._rankings:
            runs = (store.rankings(record) for store in self._stores)
            rankings = next((run for run in runs if run is not None), None)
            self._rankings[key] = None if rankings is None else tuple(rankings)
        return self._rankings[key]

    def judged(self, record: Record) -> tuple[JudgedMatch, ...]:
        """All answers of judges about rankings of the record's task, whatever the rerankers.

        Raises InputError for a damaged file.
        """
        key = record.cell.task.digest
        if key not in self._judged:
            paths = (path for store in self._stores for path in store.judged_paths(key))
            self._judged[key] = tuple(map(read_judged, paths))
        return self._judged[key]


def open_archive(paths: Sequence[Path], *, with_settings: bool = True) -> RecordSet:
    """All records below folders, or in the files themselves, with what lies beside them.

    Rerankers that were run in several ways have the settings that tell them apart in their names,
    unless only what was run counts. Raises InputError as `store.read_records` does.
    """
    records = read_records(paths)
    return RecordSet(
        row_names.tell_apart(records) if with_settings else records,
        [Store(results=folder.parent, suite=folder.name) for folder in suite_folders(paths)],
    )
