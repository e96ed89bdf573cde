"""Scoring all candidates: windows, resuming at any moment, scores that are no numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.errors import ModelError
from rerankbench.progress import Advance, Silent
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.run import scoring
from rerankbench.run.journal import Journal
from rerankbench.types import (
    CandidateLists,
    Candidates,
    Document,
    EngineRef,
    Query,
    Ranking,
    RerankerRef,
)

HEADER = {"cell": "k"}
REF = RerankerRef(name="fake", family="f", revision="1", dtype="float16")
ENGINE = EngineRef(engine="fake", device="cpu")
SIZES = st.lists(st.integers(0, 5), max_size=6)


class Killed(Exception):
    """The process ends here."""


@dataclass
class Pointwise:
    """Scores by text, longest first in batches of two; dies after `survives` batches."""

    survives: int | None = None
    bad: float | None = None
    jobs: list[Job] = field(default_factory=list)
    scored: list[str] = field(default_factory=list)
    ref: RerankerRef = REF
    engine: EngineRef = ENGINE
    attention_kernel: str | None = None

    def prepare(self, job: Job) -> Job:
        self.jobs.append(job)
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        texts = [
            f"{each.query.query_id} {document.text}"
            for each in prepared.candidates
            for document in each.documents
        ]
        order = sorted(range(len(texts)), key=lambda pair: (-len(texts[pair]), pair))
        for start in range(0, len(order), 2):
            pairs = [pair for pair in order[start : start + 2] if pair not in prepared.done]
            if not pairs:
                continue
            if self.survives is not None:
                if not self.survives:
                    raise Killed
                self.survives -= 1
            self.scored += [texts[pair] for pair in pairs]
            scores = [_worth(texts[pair]) if self.bad is None else self.bad for pair in pairs]
            yield ScoredBatch(pairs=pairs, scores=scores, truncated_pairs=len(pairs) % 2)

    def warnings(self) -> Sequence[str]:
        return ()

    def peak_device_bytes(self) -> int | None:
        return None


def _worth(text: str) -> float:
    """Some number that depends on the text alone, with ties among texts."""
    return (sum(map(ord, text)) * 7919 % 11) / 3


@dataclass
class Counter(Silent):
    """Remembers how far a task came."""

    total: int | None = None
    done: int = 0

    @contextmanager
    def task(self, description: str, total: int | None, unit: str) -> Iterator[Advance]:
        self.total, self.done = total, 0

        def advance(count: int) -> None:
            self.done += count

        yield advance


def _lists(sizes: Sequence[int]) -> CandidateLists:
    candidates = tuple(
        Candidates(
            query=Query(query_id=f"q{number}", text="t"),
            documents=tuple(
                Document(doc_id=f"d{i}", title="", text="x" * ((7 * i + number) % 5) + str(i))
                for i in range(size)
            ),
            scores=(1.0,) * size,
        )
        for number, size in enumerate(sizes)
    )
    return CandidateLists(candidates=candidates)


def _expected(lists: CandidateLists) -> list[tuple[str, dict[str, float]]]:
    return [
        (
            each.query.query_id,
            {
                document.doc_id: _worth(f"{each.query.query_id} {document.text}")
                for document in each.documents
            },
        )
        for each in lists.candidates
    ]


def _score(
    reranker: Pointwise, lists: CandidateLists, path: Path, progress: Counter | None = None
) -> scoring.ScoredRankings:
    return scoring.score(
        reranker,
        lists,
        {"q0": {"d0": 1}},
        journal_path=path,
        header=HEADER,
        progress=progress or Counter(),
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "scores.jsonl"


@given(sizes=SIZES, window=st.integers(1, 12))
def test_every_pair_is_scored_once_whatever_the_window(
    sizes: list[int], window: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("s") / "scores.jsonl"
    lists, fake, progress = _lists(sizes), Pointwise(), Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "WINDOW_PAIRS", window)
        found = _score(fake, lists, path, progress)
    assert [(each.query_id, each.scores()) for each in found.rankings] == _expected(lists)
    for ranking in found.rankings:
        assert ranking == Ranking.sort(ranking.query_id, ranking.hits)
    assert len(fake.scored) == found.pairs == sum(sizes) == progress.total == progress.done
    assert found.resumed_pairs == 0
    for job in fake.jobs:
        pairs = sum(len(each.documents) for each in job.candidates)
        assert pairs <= window or len(job.candidates) == 1
        assert all(len(each.scores) == len(each.documents) for each in job.candidates)
        assert job.qrels == {"q0": {"d0": 1}}


@given(sizes=SIZES, window=st.integers(1, 12), deaths=st.lists(st.integers(0, 4), max_size=4))
def test_a_run_killed_at_any_batches_ends_like_an_unbroken_one_and_scores_nothing_twice(
    sizes: list[int],
    window: int,
    deaths: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("s")
    lists = _lists(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "WINDOW_PAIRS", window)
        unbroken = _score(Pointwise(), lists, folder / "unbroken.jsonl")
        scored: list[str] = []
        for survives in deaths:
            fake = Pointwise(survives=survives)
            with suppress(Killed):
                _score(fake, lists, folder / "broken.jsonl")
            scored += fake.scored
        last, progress = Pointwise(), Counter()
        found = _score(last, lists, folder / "broken.jsonl", progress)
    assert found.rankings == unbroken.rankings
    assert found.truncated_pairs == unbroken.truncated_pairs
    assert found.resumed_pairs == len(scored)
    assert len(scored + last.scored) == len(set(scored + last.scored)) == sum(sizes)
    assert progress.done == sum(sizes)


def test_a_finished_window_is_not_even_prepared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "WINDOW_PAIRS", 4)
    lists = _lists([4, 4])
    with pytest.raises(Killed):
        _score(Pointwise(survives=3), lists, path)
    fake = Pointwise()
    _score(fake, lists, path)
    (job,) = fake.jobs
    assert [each.query.query_id for each in job.candidates] == ["q1"]
    assert len(job.done) == 2


def test_a_finished_journal_needs_no_scoring(path: Path) -> None:
    lists = _lists([3, 2])
    first = _score(Pointwise(), lists, path)
    fake = Pointwise()
    again = _score(fake, lists, path)
    assert fake.jobs == []
    assert again.rankings == first.rankings
    assert again.resumed_pairs == 5


def test_another_header_scores_all_again(path: Path) -> None:
    lists = _lists([3])
    _score(Pointwise(), lists, path)
    fake = Pointwise()
    scoring.score(fake, lists, {}, journal_path=path, header={"cell": "other"}, progress=Counter())
    assert len(fake.scored) == 3


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_scores_that_are_not_finite_are_refused_and_not_kept(bad: float, path: Path) -> None:
    lists = _lists([3])
    with pytest.raises(ModelError, match=r"^fake: a score is not finite in float16; use --dtype"):
        _score(Pointwise(bad=bad), lists, path)
    assert _score(Pointwise(), lists, path).resumed_pairs == 0


def test_queries_without_candidates_keep_an_empty_ranking(path: Path) -> None:
    found = _score(Pointwise(), _lists([0, 1, 0]), path)
    assert [(each.query_id, len(each.hits)) for each in found.rankings] == [
        ("q0", 0),
        ("q1", 1),
        ("q2", 0),
    ]


LIST_REF = RerankerRef(name="lists", family="f", revision="1", dtype="float32", reads="lists")


@dataclass
class Listwise(Pointwise):
    """Scores that depend on the whole list: its worth, and a document's place in it."""

    ref: RerankerRef = LIST_REF
    generation: int = 0
    parts: bool = False

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        start = 0
        for each in prepared.candidates:
            pairs = range(start, start + len(each.documents))
            start = pairs.stop
            if prepared.done.issuperset(pairs):
                continue
            assert prepared.done.isdisjoint(pairs), "part of a list was kept"
            if self.survives is not None:
                if not self.survives:
                    raise Killed
                self.survives -= 1
            self.scored.append(each.query.query_id)
            base = 100.0 * self.generation
            scores = [base + len(pairs) - place for place in range(len(pairs))]
            if self.parts:
                pairs, scores = pairs[:1], scores[:1]
            answers = {"ok": 2, "wrong format": len(pairs) % 2}
            yield ScoredBatch(pairs=pairs, scores=scores, truncated_pairs=1, answers=answers)


@given(sizes=SIZES, window=st.integers(1, 12), deaths=st.lists(st.integers(0, 4), max_size=4))
def test_lists_are_resumed_as_a_whole_and_every_answer_is_counted_once(
    sizes: list[int],
    window: int,
    deaths: list[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("s")
    lists = _lists(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "WINDOW_PAIRS", window)
        unbroken = _score(Listwise(), lists, folder / "unbroken.jsonl")
        scored: list[str] = []
        for survives in deaths:
            fake = Listwise(survives=survives)
            with suppress(Killed):
                _score(fake, lists, folder / "broken.jsonl")
            scored += fake.scored
        last = Listwise()
        found = _score(last, lists, folder / "broken.jsonl")
    for job in last.jobs:
        ids = [each.query.query_id for each in job.candidates]
        assert [len(each.documents) for each in job.candidates] == [
            sizes[int(query_id[1:])] for query_id in ids
        ]
    assert (found.rankings, found.warnings) == (unbroken.rankings, unbroken.warnings)
    assert found.truncated_pairs == unbroken.truncated_pairs
    assert sorted(scored + last.scored) == [f"q{i}" for i, size in enumerate(sizes) if size]


def test_a_list_of_which_a_part_is_journalled_is_scored_wholly_and_replaced(path: Path) -> None:
    lists = _lists([3, 2, 2])
    with Journal(path, HEADER) as journal:  # As a pointwise reranker would leave it.
        journal.add(ScoredBatch(pairs=[0, 2], scores=[9.0, 8.0], truncated_pairs=1))
        journal.add(ScoredBatch(pairs=[1, 3, 4], scores=[9.0, 8.0, 7.0], truncated_pairs=1))
        journal.add(ScoredBatch(pairs=[5, 6], scores=[2.5, 1.5], truncated_pairs=1))
    fake = Listwise(generation=1)
    found = _score(fake, lists, path)
    assert fake.scored == ["q0", "q1"]
    assert found.resumed_pairs == 2
    assert [sorted(each.scores().values()) for each in found.rankings] == [
        [101.0, 102.0, 103.0],
        [101.0, 102.0],
        [1.5, 2.5],
    ]
    assert found.truncated_pairs == 3
    again = Journal(path, HEADER)
    assert (len(again.scores), again.scores[0]) == (7, 103.0), "the old scores are still there"


def test_a_batch_with_a_part_of_a_list_is_a_programming_error(path: Path) -> None:
    with pytest.raises(ValueError, match="a part of a list"):
        _score(Listwise(parts=True), _lists([3]), path)


def test_malformed_answers_are_told_with_their_kinds(path: Path) -> None:
    found = _score(Listwise(), _lists([3, 2, 1, 0]), path)
    assert found.warnings == ("2 of 8 answers were malformed: 2 wrong format",)
    assert _score(Listwise(), _lists([3, 2, 1, 0]), path).warnings == found.warnings
    path.unlink()
    assert _score(Listwise(), _lists([2]), path).warnings == ()


def test_truncated_pairs_are_summed_over_batches(path: Path) -> None:
    assert _score(Pointwise(), _lists([3, 2]), path).truncated_pairs == 1
