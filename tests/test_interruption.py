"""A run that is killed at any moment goes on where it stopped and ends as if nothing had been."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rerankbench.files.checksums import seal, unseal

from . import tiny

PATIENCE_S = 120
QUERIES, DEPTH = 30, 40
# The first stage's own row journals one line a query: more lines than these are the model's.
FEWEST_LINES = QUERIES + 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One command, and where it keeps its work and its results."""

    collection: Path
    model: Path
    home: Path
    results: Path

    def start(self) -> subprocess.Popen[str]:
        """Start `rerankbench run`; a batch a pair makes it slow enough to be hit in the middle."""
        arguments = ["run", "-d", self.collection, "-m", self.model, "-o", self.results]
        options = ["-k", DEPTH, "--no-speed", "--device", "cpu", "--batch-tokens", 1]
        environment = {
            **os.environ,
            "RERANKBENCH_HOME": str(self.home),
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
        }
        return subprocess.Popen(
            [sys.executable, "-m", "rerankbench", *map(str, [*arguments, *options])],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # Where tests run in the background, children would be born deaf to Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
        )

    def finish(self) -> str:
        """Run to the end; what was said on stderr."""
        process = self.start()
        _, said = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said
        return said

    def stop_at(self, lines: int, with_signal: signal.Signals) -> tuple[int, str]:
        """Run until the journal has so many lines, then signal; exit status and stderr."""
        process = self.start()
        deadline_s = time.monotonic() + PATIENCE_S
        while len(self.journal()) < lines:
            if process.poll() is not None or time.monotonic() > deadline_s:
                process.kill()
                pytest.fail(f"not stopped in time: {process.communicate()[1]}")
            time.sleep(0.001)
        process.send_signal(with_signal)
        _, said = process.communicate(timeout=PATIENCE_S)
        return process.returncode, said

    def journal(self) -> list[str]:
        """The whole lines of the only journal; none where there is none."""
        for path in self.home.glob("work/*/scores.jsonl"):
            try:
                return path.read_text().split("\n")[:-1]
            except FileNotFoundError:  # The first stage's journal is gone by now.
                continue
        return []

    def outcome(self) -> tuple[dict[str, bytes], dict[str, Any]]:
        """Bytes of the run files, and values per query by reranker."""
        runs = {path.name: path.read_bytes() for path in self.results.rglob("runs/*")}
        found = tiny.records(self.results)
        return runs, {name: record["per_query"] for name, record in found.items()}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("unbroken")
    place = Place(
        collection=tiny.write_collection(
            folder / "small", queries=QUERIES, documents=2 * DEPTH, longest=30
        ),
        model=tiny.build(folder / "tiny-bert"),
        home=folder / "home",
        results=folder / "results",
    )
    place.finish()
    assert len(place.outcome()[0]) == 2
    return place


@pytest.fixture
def place(unbroken: Place, tmp_path: Path) -> Place:
    """The same command with a cache and results of its own."""
    return Place(
        collection=unbroken.collection,
        model=unbroken.model,
        home=tmp_path / "home",
        results=tmp_path / "results",
    )


def _pairs(lines: list[str]) -> Iterator[int]:
    for line in lines[1:]:
        yield from json.loads(line)["pairs"]


@pytest.mark.slow
def test_killed_at_any_moment_it_resumes_to_the_very_same_bytes(
    unbroken: Place, place: Place
) -> None:
    numbers = random.Random(20_261_120)
    moments = sorted(numbers.sample(range(FEWEST_LINES, QUERIES * DEPTH - 100), 2))
    survived: list[str] = []
    for moment in moments:
        moment = max(moment, len(survived) + 2)
        status, _ = place.stop_at(moment, signal.SIGKILL)
        assert status == -signal.SIGKILL
        lines = place.journal()
        assert len(lines) >= moment, "a line that was there is gone"
        assert lines[: len(survived)] == survived, "finished batches were scored again"
        pairs = list(_pairs(lines))
        assert len(pairs) == len(set(pairs)), "a pair was scored twice"
        assert not list(place.results.rglob("records/*.json"))[1:], "a record of unfinished work"
        survived = lines
    assert FEWEST_LINES <= len(survived) < QUERIES * DEPTH
    place.finish()
    assert place.outcome() == unbroken.outcome()
    assert place.journal() == []


@pytest.mark.slow
def test_ctrl_c_says_how_to_go_on_and_what_was_scored_is_kept(
    unbroken: Place, place: Place
) -> None:
    status, said = place.stop_at(FEWEST_LINES + 100, signal.SIGINT)
    assert status == 130
    assert "repeat the same command to continue" in said
    assert "Traceback" not in said
    lines = place.journal()
    assert FEWEST_LINES + 100 <= len(lines) < QUERIES * DEPTH

    # A score that no model gave, and a line torn off, show what is taken from the journal.
    marked = unseal(lines[1], lines[0])
    marked["scores"] = [12345.5 for _ in marked["scores"]]
    (journal,) = place.home.glob("work/*/scores.jsonl")
    torn = '{"pairs":[9999],"sco'
    journal.write_text("\n".join([lines[0], seal(marked, lines[0]), *lines[2:], torn]))
    place.finish()
    expected, found = unbroken.outcome()[0], place.outcome()[0]
    (changed,) = (name for name in expected if found[name] != expected[name])
    before = tiny.run_scores(unbroken.results / "default" / "runs" / changed)
    after = tiny.run_scores(place.results / "default" / "runs" / changed)
    assert after.keys() == before.keys()
    assert [after[pair] for pair in before if after[pair] != before[pair]] == marked["scores"]
