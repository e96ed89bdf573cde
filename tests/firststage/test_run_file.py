from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from rerankbench.errors import InputError, UsageError
from rerankbench.firststage import run_file
from rerankbench.protocols import FirstStage
from rerankbench.types import Ranking

from .stubs import InMemory, Recorder

RUN = "q1 Q0 d0 1 2.0 x\nq1 Q0 d9 2 3.5 x\nq0 Q0 d1 1 1 x\nq0 Q0 d2 2 1 x\nother Q0 d0 1 1 x\n"


def retrieve(path: Path, queries: int, depth: int = 10) -> tuple[list[Ranking], Recorder]:
    collection = InMemory(["x"] * 3, ["text"] * queries)
    recorder = Recorder()
    stage: FirstStage = run_file.create({"path": str(path)}, Path())
    found = stage.retrieve(collection, collection.queries(), depth, progress=recorder)
    return list(found), recorder


def hits(rankings: list[Ranking]) -> dict[str, list[str]]:
    return {ranking.query_id: [hit.doc_id for hit in ranking.hits] for ranking in rankings}


def test_rankings_come_in_the_order_of_queries_with_ties_by_doc_id(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text(RUN)
    rankings, recorder = retrieve(path, 2)
    assert list(hits(rankings)) == ["q0", "q1"]
    assert hits(rankings) == {"q0": ["d2", "d1"], "q1": ["d9", "d0"]}
    assert recorder.warned == []


def test_ranks_that_contradict_scores_are_told_read_or_cached(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text(RUN)
    stage = run_file.create({"path": str(path)}, Path())
    (told,) = stage.warnings()
    assert told.startswith("a.trec: ranks contradict scores in 1 of 3 queries (first: 'q1')")
    collection = InMemory(["x"] * 3, ["text"] * 2)
    stage.retrieve(collection, collection.queries(), 10, progress=Recorder())
    assert stage.warnings() == (told,)


def test_rankings_are_cut_at_depth(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text(RUN)
    assert hits(retrieve(path, 2, depth=1)[0]) == {"q0": ["d2"], "q1": ["d9"]}


def test_missing_queries_are_empty_and_told_once(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text(RUN)
    rankings, recorder = retrieve(path, 5)
    assert hits(rankings)["q4"] == []
    assert recorder.warned == [f"{path}: 3 of 5 queries are not in the run and score 0"]


def test_a_run_of_other_queries_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.trec"
    path.write_text("other Q0 d0 1 1 x\n")
    with pytest.raises(InputError, match="has none of the 2 queries of tiny; choose the run"):
        retrieve(path, 2)


def test_the_description_is_the_name_and_the_hash_of_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.trec.gz"
    path.write_bytes(gzip.compress(RUN.encode()))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    stage = run_file.create({"path": str(path)}, Path())
    assert stage.describe() == {"file": "a.trec.gz", "sha256": sha256}
    assert hits(retrieve(path, 2)[0]) == {"q0": ["d2", "d1"], "q1": ["d9", "d0"]}


def test_a_file_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        run_file.create({"path": str(tmp_path / "absent.trec")}, Path())


def test_a_path_must_be_given() -> None:
    with pytest.raises(UsageError, match="first stage 'run': 'path' is missing"):
        run_file.create({}, Path())
    with pytest.raises(UsageError, match=r"unknown key 'pat'; did you mean 'path'\?"):
        run_file.create({"pat": "x"}, Path())
