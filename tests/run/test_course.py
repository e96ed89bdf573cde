"""Where a run is, and how long the rest of it takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rerankbench.progress import Advance, Left, Pace, Place, Silent
from rerankbench.run import config as configs
from rerankbench.run.command import prepare
from rerankbench.run.config import SpeedConfig
from rerankbench.run.course import Course, Size, measuring_s
from rerankbench.run.pipeline import run

LISTS: Any = SimpleNamespace(candidates=[SimpleNamespace(documents=range(50))] * 20)
PAIRS = 1000
NOTHING: Any = SimpleNamespace(seconds=lambda *_: None)


class Placed(Silent):
    """Remembers where it was told to be, and what was done there."""

    def __init__(self) -> None:
        self.here: Place | None = None
        self.seen: list[tuple[str, str]] = []

    def place(self, place: Place | None) -> None:
        self.here = place

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        self.seen.append(("" if self.here is None else self.here.text, description))
        yield lambda done: None


def _cell(name: str, parameters: int | None, *, scores: bool = True, of: str = "") -> Any:
    return SimpleNamespace(
        key=name,
        scores_key=of or name,
        speed_key="here",
        cell=SimpleNamespace(reranker=SimpleNamespace(name=name, parameters=parameters)),
        model=SimpleNamespace(factory=SimpleNamespace(scores_documents=scores)),
    )


BM25, TINY = _cell("bm25", None, scores=False), _cell("tiny", 4_000_000)
BASE, OTHER = _cell("base", 100_000_000), _cell("other", None)


class Past:
    """Records of `base` say 10 documents a second."""

    def seconds(self, cell: Any, speed_key: str, pairs: int, tokens: int | None) -> float | None:
        assert (speed_key, tokens) == ("here", None)
        return pairs / 10 if cell is BASE.cell else None


def _course(*cells: Any, groups: int = 1, past: Any = NOTHING, speed: bool = False) -> Course:
    """A course whose first group has begun; without a past, nothing is known of any speed."""
    plan: Any = SimpleNamespace(
        groups=[SimpleNamespace(models=cells)] * groups,
        config=SimpleNamespace(speed=SpeedConfig(enabled=speed)),
    )
    course = Course(plan, Placed(), lambda: past)
    course.group(len(cells)).__enter__()
    course.enter(SimpleNamespace(cells=cells), cells, LISTS, scored=())  # type: ignore[arg-type]
    return course


def _at(course: Course, cell: Any, stage: Any, pace: Pace) -> Left:
    course.begin(cell)
    return course.left(cell, stage, pace)


SCORING = Pace(elapsed_s=1.0, per_s=100.0, left_s=9.0)


def test_a_later_cell_takes_what_earlier_records_say() -> None:
    course = _course(BM25, TINY, BASE, past=Past())
    course.begin(BM25)
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=9.0, run_s=9.0 + PAIRS / 10)


def test_without_a_record_it_is_guessed_by_parameters_and_said_to_be_rough() -> None:
    course = _course(TINY, BASE)
    expected = 9.0 + PAIRS / (100.0 * 4 / 100)
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=9.0, run_s=expected, is_rough=True)


def test_without_parameters_it_is_as_fast_as_this_one() -> None:
    course = _course(TINY, OTHER)
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=9.0, run_s=19.0, is_rough=True)


def test_nothing_is_guessed_from_a_row_that_reads_no_text() -> None:
    course = _course(BM25, TINY)
    fast = Pace(elapsed_s=0.01, per_s=1e6, left_s=0.0)
    assert _at(course, BM25, "scoring", fast) == Left(cell_s=0.0)


def test_collections_that_are_not_read_yet_count_like_this_one() -> None:
    course = _course(TINY, groups=3)
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=9.0, run_s=29.0, is_rough=True)


def test_a_row_that_joins_scores_of_another_takes_no_time() -> None:
    course = _course(TINY, _cell("tiny + RRF", 4_000_000, of="tiny"))
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=9.0, run_s=9.0)


def test_measuring_comes_after_scoring_and_runs_down_by_the_clock() -> None:
    course = _course(TINY, speed=True)
    # 20 single requests of half a second, then 5 passes of 10 s, which the 60 s have room for.
    assert _at(course, TINY, "scoring", SCORING) == Left(cell_s=69.0, run_s=69.0)
    measuring = course.left(TINY, "measuring", Pace(elapsed_s=25.0))
    assert measuring == Left(cell_s=35.0, run_s=35.0)
    assert course.left(TINY, "measuring", Pace(elapsed_s=100.0)) == Left(cell_s=0.0, run_s=0.0)
    assert course.left(TINY, "evaluating", Pace(elapsed_s=1.0)) == Left(cell_s=0.0, run_s=0.0)


@pytest.mark.parametrize(
    ("docs_per_s", "seconds"),
    [
        (1000.0, 20 * 0.05 + 5 * 1.0),
        (100.0, 20 * 0.5 + 50.0),  # exactly the budget
        (10.0, 60.0),
    ],
)
def test_measuring_takes_no_longer_than_its_budget(docs_per_s: float, seconds: float) -> None:
    size = Size(pairs=PAIRS, queries=20)
    assert measuring_s(size, docs_per_s, SpeedConfig()) == pytest.approx(seconds)
    assert measuring_s(size, docs_per_s, SpeedConfig(enabled=False)) == 0.0


def test_every_step_of_a_run_is_named_with_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "home"))
    progress = Placed()
    values = {"datasets": [{"id": "demo"}], "models": ["random", "oracle"]}
    config = configs.load(None, {**values, "results": tmp_path / "results"})
    assert not run(prepare(config, progress, fresh=False)).failures
    assert progress.here is None
    wanted = [
        ("", "looking for collections and models"),
        ("", "reading demo"),
        ("", "demo: candidates of bm25"),
        ("", "indexing demo"),
        ("", "searching with BM25"),
        ("", "demo: keeping candidates"),
    ]
    for number, name in enumerate(("bm25", "random", "oracle"), start=1):
        steps = f"loading {name}", name, f"{name}: evaluating", f"{name}: writing the record"
        wanted += [(f"cell {number} of 3", step) for step in steps]
    assert progress.seen == wanted


def test_finished_cells_count_as_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERANKBENCH_HOME", str(tmp_path / "home"))
    values: dict[str, Any] = {"datasets": [{"id": "demo"}], "results": tmp_path / "results"}
    seen = []
    for models in (["random"], ["random", "oracle"]):
        progress = Placed()
        work = prepare(configs.load(None, {**values, "models": models}), progress, fresh=False)
        run(work)
        seen.append([place for place, step in progress.seen if step.startswith("loading")])
    assert seen == [["cell 1 of 2", "cell 2 of 2"], ["cell 3 of 3"]]
