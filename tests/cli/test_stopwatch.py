"""The stopwatch: cells listed, opened and timed when asked, on a tiny model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rerankbench.cli.stopwatch import Stopwatch
from rerankbench.console import Terminal
from rerankbench.errors import UsageError
from rerankbench.gate.cells import CellName, cell_name
from rerankbench.results.store import read_records
from rerankbench.run import config as configs
from rerankbench.run.command import prepare
from rerankbench.run.speed import seeded_order

from .conftest import Command

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def config(collection: Path, model: Path, tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    body = {
        "datasets": [str(collection)],
        "models": [str(model), "random"],
        "top_k": 5,
        "device": "cpu",
    }
    path.write_text(json.dumps(body))
    return path


@pytest.fixture
def stopwatch(config: Path, monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Stopwatch(prepare(configs.load(config, {}), Terminal(verbosity=-1), fresh=False))


def test_the_cells_are_those_of_the_records_that_have_a_speed(
    stopwatch: Stopwatch, config: Path, command: Command, tmp_path: Path
) -> None:
    assert command("run", config, "--no-speed", "-o", tmp_path / "out").code == 0
    records = {cell_name(each): each for each in read_records([tmp_path / "out"])}
    answer = stopwatch.answer({"do": "cells"})
    (cell,) = answer["cells"]
    record = records[CellName(**cell["name"])]
    assert record.cell.reranker.name == "tiny-bert"
    assert cell["device"] == record.cell.engine.device == "cpu"
    assert answer["machine"]["cores"] == record.environment.cores


def test_a_pass_goes_over_the_first_queries_of_the_seeded_sample(
    stopwatch: Stopwatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = stopwatch.answer({"do": "cells"})["cells"][0]["key"]
    assert stopwatch.answer({"do": "open", "key": key}) == {"queries": 6}
    seen: list[list[str]] = []
    reranker: Any = stopwatch._reranker
    prepare_job = type(reranker).prepare

    def watch(self: Any, job: Any) -> Any:
        seen.append([each.query.query_id for each in job.candidates])
        return prepare_job(self, job)

    monkeypatch.setattr(type(reranker), "prepare", watch)
    answers = [stopwatch.answer({"do": "pass", "queries": number}) for number in (1, 2, 99)]
    assert [each["pairs"] for each in answers] == [5, 10, 30]
    assert all(each["seconds"] > 0 and each["device_bytes"] is None for each in answers)
    ids = [each.query.query_id for each in seeded_order(stopwatch._sample)]
    assert seen == [ids[:1], ids[:2], ids]


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"do": "open"},
        {"do": "open", "key": "none"},
        {"do": "pass", "queries": 1},
        {"do": "pass", "queries": 0},
        {"do": "stop"},
        3,
    ],
)
def test_what_is_no_question_is_refused(stopwatch: Stopwatch, question: Any) -> None:
    with pytest.raises(UsageError):
        stopwatch.answer(question)


def _talk(*questions: object, config: Path, home: Path) -> tuple[int, list[Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "rerankbench.cli.stopwatch", str(config)],
        input="".join(f"{json.dumps(each)}\n" for each in questions),
        cwd=ROOT,
        env={**os.environ, "RERANKBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_as_a_program_it_answers_line_by_line_and_ends_with_its_input(
    config: Path, own_cache: Path
) -> None:
    code, answers = _talk({"do": "cells"}, config=config, home=own_cache)
    key = answers[0]["cells"][0]["key"]
    questions = ({"do": "open", "key": key}, {"do": "pass", "queries": 2})
    code, answers = _talk(*questions, config=config, home=own_cache)
    assert (code, answers[0], answers[1]["pairs"]) == (0, {"queries": 6}, 10)


def test_as_a_program_an_error_is_the_last_answer(config: Path, own_cache: Path) -> None:
    config.write_text("datasets: [demo]\nmodels: [/nowhere]\n")
    code, answers = _talk({"do": "cells"}, {"do": "cells"}, config=config, home=own_cache)
    assert code == 2
    assert len(answers) == 1
    assert "/nowhere" in answers[0]["error"]
