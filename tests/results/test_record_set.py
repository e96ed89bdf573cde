"""Archives: what lies beside records is found, read once, and believed only if it is theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rerankbench.errors import InputError
from rerankbench.results import record_set as archives
from rerankbench.results import store as stores
from rerankbench.results.record_set import RecordSet, open_archive
from rerankbench.results.store import Store, run_sha256
from rerankbench.results.tasks import Task, Topic, read_task, write_task
from rerankbench.types import Hit, Ranking, Record

from ..leaderboard.records import make_record

RANKINGS = (
    Ranking(query_id="q0", hits=(Hit(doc_id="d1", score=2.5), Hit(doc_id="d0", score=0.1))),
)


def _record(name: str = "model") -> Record:
    return replace(
        make_record(name), quality_key=name, speed_key="s", run_sha256=run_sha256(RANKINGS)
    )


def _task(record: Record) -> Task:
    topic = Topic(
        query_id="q0",
        text="a query",
        words=2,
        grades={"d1": 1},
        candidates=("d0", "d1"),
        document_words=(3, 4),
    )
    return Task(schema=1, key=record.cell.task.digest, topics=(topic,))


@pytest.fixture
def suite(tmp_path: Path) -> Store:
    """Two records of one task, their runs and the task."""
    store = Store(results=tmp_path, suite="default")
    for name in ("one", "two"):
        store.write(_record(name), RANKINGS)
    write_task(store.task_path(_record().cell.task.digest), _task(_record()))
    return store


def test_runs_and_task_are_found_beside_the_records(suite: Store) -> None:
    for path in (suite.results, suite.results / "default", suite.results / "default" / "records"):
        archive = open_archive([path])
        assert len(archive.records) == 2
        for record in archive.records:
            assert archive.task(record) == _task(record)
            assert archive.rankings(record) == RANKINGS
    lone = open_archive([suite.record_path("one", "s")])
    assert len(lone.records) == 1
    assert lone.task(lone.records[0]) is not None


def test_files_are_read_once(suite: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = open_archive([suite.results])
    read: list[Path] = []

    def counted(path: Path) -> Task:
        read.append(path)
        return read_task(path)

    monkeypatch.setattr(archives, "read_task", counted)
    assert len({id(archive.task(record)) for record in archive.records for _ in "ab"}) == 1
    assert len(read) == 1
    first = archive.rankings(archive.records[0])
    monkeypatch.setattr(stores, "read_run", counted)
    assert archive.rankings(archive.records[0]) is first


def test_what_is_missing_is_none(tmp_path: Path) -> None:
    store = Store(results=tmp_path, suite="default")
    store.write_record(_record())
    for archive in (open_archive([tmp_path]), RecordSet([_record()])):
        assert archive.task(archive.records[0]) is None
        assert archive.rankings(archive.records[0]) is None


def test_another_records_run_is_not_believed(suite: Store) -> None:
    suite.write_record(replace(_record("one"), run_sha256="0" * 64))
    archive = open_archive([suite.record_path("one", "s")])
    assert archive.rankings(archive.records[0]) is None


def test_a_damaged_task_is_named(suite: Store) -> None:
    suite.task_path(_record().cell.task.digest).write_bytes(b"?")
    archive = open_archive([suite.results])
    with pytest.raises(InputError, match="is not a task"):
        archive.task(archive.records[0])


def test_suites_share_what_they_have(tmp_path: Path, suite: Store) -> None:
    Store(results=tmp_path, suite="other").write_record(replace(_record("one"), suite="other"))
    archive = open_archive([tmp_path])
    assert {record.suite for record in archive.records} == {"default", "other"}
    assert all(archive.task(record) is not None for record in archive.records)
