"""Measuring speed, on a clock that only the fake reranker moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rerankbench.protocols import Job, ScoredBatch
from rerankbench.run import speed
from rerankbench.run.speed import Instruments
from rerankbench.types import Candidates, Document, EngineRef, Measurements, Query, RerankerRef

PREPARE_S = 0.25
SCORE_S = 0.75
REF = RerankerRef(name="fake", family="fake", revision="1")
ENGINE = EngineRef(engine="fake", device="cpu")


@dataclass
class FakeReranker:
    """Needs one second a pair, a quarter of it to prepare; `pace` slows passes of many queries.

    For every query, two attempts fail side by side for `failing_s` first.
    """

    pair_s: float = 1.0
    pace: Iterator[float] = field(default_factory=lambda: repeat(1.0))
    now_s: float = 1000.0
    failing_s: float = 0.0
    jobs: list[list[str]] = field(default_factory=list)
    after_pass: Callable[[], None] = lambda: None
    ref: RerankerRef = REF
    engine: EngineRef = ENGINE
    attention_kernel: str | None = "sdpa"

    def prepare(self, job: Job) -> tuple[list[int], float]:
        assert not job.done
        self.jobs.append([each.query.query_id for each in job.candidates])
        sizes = [len(each.documents) for each in job.candidates]
        pace = next(self.pace) if len(sizes) > 1 else 1.0
        self.now_s += PREPARE_S * self.pair_s * pace * sum(sizes)
        return sizes, pace

    def score(self, prepared: tuple[list[int], float]) -> Iterator[ScoredBatch]:
        sizes, pace = prepared
        first = 0
        for size in sizes:
            self.now_s += SCORE_S * self.pair_s * pace * size
            pairs = range(first, first + size)
            first += size
            self.now_s += self.failing_s
            yield ScoredBatch(
                pairs=pairs,
                scores=[0.0] * size,
                tokens=10 * size,
                padded_tokens=12 * size,
                truncated_pairs=1,
                searches=1.5,
                failed_attempts_s=(self.failing_s, self.failing_s) if self.failing_s else (),
                lost_s=self.failing_s,
            )
        self.after_pass()

    def warnings(self) -> Sequence[str]:
        return ()

    def peak_device_bytes(self) -> int | None:
        return 12345

    def clock(self) -> float:
        return self.now_s


def _candidates(sizes: Iterable[int]) -> list[Candidates]:
    return [
        Candidates(
            query=Query(query_id=f"q{number:03}", text="t"),
            documents=tuple(Document(doc_id=f"d{i}", title="", text="t") for i in range(size)),
        )
        for number, size in enumerate(sizes)
    ]


def _instruments(fake: FakeReranker, **others: Callable[[], object]) -> Instruments:
    return Instruments(clock=fake.clock, own_cpu_s=lambda: 0.0, **others)  # type: ignore[arg-type]


def _measured(
    fake: FakeReranker,
    candidates: Sequence[Candidates],
    *,
    passes: int = 3,
    budget_s: float = 1000.0,
    **others: Callable[[], object],
) -> tuple[Measurements, list[str]]:
    return speed.measure(
        fake,
        candidates,
        passes=passes,
        budget_s=budget_s,
        instruments=_instruments(fake, **others),
    )


def test_raw_times_and_counts_are_those_of_the_passes() -> None:
    fake = FakeReranker()
    found, warnings = _measured(fake, _candidates([2, 2, 2]))
    assert warnings == []
    throughput = found.throughput
    assert throughput is not None
    assert (throughput.queries, throughput.pairs) == (3, 6)
    assert throughput.passes_s == pytest.approx((6.0,) * 3)
    assert throughput.warmup_passes_s == pytest.approx((6.0,) * 2)
    assert throughput.model_passes_s == pytest.approx((4.5,) * 3)
    assert (throughput.tokens, throughput.padded_tokens) == (60, 72)
    assert throughput.truncated_pairs == 3
    assert throughput.docs_per_s == pytest.approx(1.0)
    assert throughput.model_docs_per_s == pytest.approx(6 / 4.5)
    assert (found.peak_device_bytes, found.attention_kernel) == (12345, "sdpa")


def test_failed_attempts_stand_beside_the_times_not_in_them() -> None:
    sizes = [2, 3, 4]
    smooth, _ = _measured(FakeReranker(), _candidates(sizes))
    found, warnings = _measured(FakeReranker(failing_s=7.0), _candidates(sizes))
    assert found.latency is not None and smooth.latency is not None
    assert found.latency.requests_s == pytest.approx(smooth.latency.requests_s)
    assert found.throughput is not None and smooth.throughput is not None
    assert found.throughput.passes_s == pytest.approx(smooth.throughput.passes_s)
    assert found.throughput.model_passes_s == pytest.approx(smooth.throughput.model_passes_s)
    assert found.throughput.searches == 4.5
    # One unmeasured request, three measured ones, five passes of three queries: two each.
    assert found.failed_attempts_s == (7.0,) * 2 * (1 + 3 + 5 * 3)
    assert warnings == [
        "failed attempts (38) took 266.0 s while speed was measured; they do not count in it"
    ]
    assert smooth.failed_attempts_s == ()


def test_failed_attempts_use_up_the_budget() -> None:
    fake = FakeReranker(failing_s=10.0)
    found, _ = _measured(fake, _candidates([1] * 50), budget_s=200.0)
    assert found.latency is not None
    # 30 % of 200 s at 11 s each.
    assert len(found.latency.requests_s) == 6


@pytest.mark.parametrize("budget_s", [0.001, 1.0, 30.0, 10_000.0])
@pytest.mark.parametrize("passes", [3, 7])
def test_the_number_of_passes_is_never_cut(passes: int, budget_s: float) -> None:
    found, _ = _measured(FakeReranker(), _candidates([3] * 40), passes=passes, budget_s=budget_s)
    assert found.throughput is not None
    assert len(found.throughput.passes_s) == passes
    assert len(found.throughput.model_passes_s) == passes
    assert len(found.throughput.warmup_passes_s) >= 2


@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=40).filter(any),
    budget_s=st.floats(1.0, 3000.0),
    passes=st.integers(3, 6),
)
def test_the_sample_is_cut_so_that_the_budget_holds(
    sizes: list[int], budget_s: float, passes: int
) -> None:
    fake = FakeReranker()
    found, _ = _measured(fake, _candidates(sizes), passes=passes, budget_s=budget_s)
    assert found.throughput is not None and found.latency is not None
    asked = [size for size in sizes if size]
    used_s = fake.now_s - 1000.0
    # What cannot be cut: the first request, the fewest requests, and one query in every pass.
    floor_s = max(asked) * (1 + speed.FEWEST_REQUESTS + 1 + passes + 2)
    assert used_s <= max(budget_s, 0.0) + floor_s
    if found.throughput.queries > 1:
        assert used_s <= budget_s + 1e-6
    assert 1 <= found.throughput.queries <= len(asked)


def test_a_larger_budget_takes_a_larger_sample_up_to_all_of_it() -> None:
    candidates = _candidates([2] * 50)
    queries = []
    for budget_s in (10.0, 200.0, 400.0, 5000.0):
        found, _ = _measured(FakeReranker(), candidates, budget_s=budget_s)
        assert found.throughput is not None
        queries.append(found.throughput.queries)
    assert queries == sorted(queries)
    assert 1 == queries[0] < queries[1] < queries[2] < queries[3] == 50


@pytest.mark.parametrize(
    ("pace", "warmups"),
    [
        ([1.0, 1.0], 2),
        ([1.04, 1.0], 2),
        ([3.0, 1.0, 1.0], 3),
        ([1.0, 1.06, 1.0, 1.06, 1.08], 5),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 2.0], 6),
    ],
)
def test_passes_warm_up_until_two_agree(pace: list[float], warmups: int) -> None:
    fake = FakeReranker(pace=chain(pace, repeat(pace[-1])))
    found, warnings = _measured(fake, _candidates([2] * 4))
    assert found.throughput is not None
    assert warnings == []
    assert found.throughput.warmup_passes_s == pytest.approx([8 * each for each in pace])
    assert len(found.throughput.warmup_passes_s) == warmups
    assert found.throughput.passes_s == pytest.approx([8 * pace[-1]] * 3)


def test_a_machine_that_never_settles_warns() -> None:
    fake = FakeReranker(pace=chain([6.0, 5.0, 4.0, 3.0, 2.0, 1.0], repeat(1.0)))
    found, warnings = _measured(fake, _candidates([2] * 4))
    assert found.throughput is not None
    assert len(found.throughput.warmup_passes_s) == 6
    assert warnings == ["speed had not settled after 6 warm-up passes"]


def test_a_request_is_one_query_with_its_documents() -> None:
    fake = FakeReranker(pair_s=0.5)
    sizes = [4, 1, 3, 2]
    candidates = _candidates(sizes)
    found, _ = _measured(fake, candidates)
    assert found.latency is not None
    order = [each.query.query_id for each in speed.seeded_order(candidates)]
    pairs = [sizes[int(query[1:])] for query in order]
    assert list(found.latency.pairs_per_request) == pairs
    assert found.latency.requests_s == pytest.approx([0.5 * count for count in pairs])
    # The first request is made once before, unmeasured.
    assert fake.jobs[:5] == [[order[0]], *([query] for query in order)]


@pytest.mark.parametrize(
    ("queries", "budget_s", "requests"),
    [
        (3, 1000.0, 3),  # No more queries.
        (50, 0.1, 5),  # The share of the budget is used: the fewest.
        (50, 40.0, 12),  # 30 % of 40 s at 1 s each.
        (300, 1e6, 200),  # Enough.
    ],
)
def test_requests_end_with_the_sample_the_share_of_the_budget_or_when_there_are_enough(
    queries: int, budget_s: float, requests: int
) -> None:
    found, _ = _measured(FakeReranker(), _candidates([1] * queries), budget_s=budget_s)
    assert found.latency is not None
    assert len(found.latency.requests_s) == len(found.latency.pairs_per_request) == requests


@given(st.permutations(range(12)))
def test_the_sample_does_not_depend_on_the_order_of_the_candidates(order: list[int]) -> None:
    candidates = _candidates([1] * 12)
    shuffled = [candidates[i] for i in order]
    assert speed.seeded_order(shuffled) == speed.seeded_order(candidates)


def test_the_sample_holds_every_query_once_and_is_shuffled() -> None:
    candidates = _candidates([1] * 30)
    order = speed.seeded_order(candidates)
    assert sorted(each.query.query_id for each in order) == [f"q{i:03}" for i in range(30)]
    assert order != candidates


def test_queries_without_candidates_are_no_sample() -> None:
    found, _ = _measured(FakeReranker(), _candidates([0, 2, 0, 2]))
    assert found.throughput is not None
    assert (found.throughput.queries, found.throughput.pairs) == (2, 4)


@pytest.mark.parametrize("sizes", [[], [0, 0]])
def test_without_candidates_nothing_is_measured_and_that_is_said(sizes: list[int]) -> None:
    fake = FakeReranker()
    found, warnings = _measured(fake, _candidates(sizes))
    assert found == Measurements()
    assert warnings == ["speed was not measured: no query has candidates"]
    assert fake.jobs == []


def test_energy_is_the_difference_over_each_pass() -> None:
    fake = FakeReranker()
    found, _ = _measured(fake, _candidates([2] * 2), energy_j=lambda: fake.now_s * 10.0)
    assert found.throughput is not None
    assert found.throughput.energy_j == pytest.approx((40.0,) * 3)


def test_energy_is_left_out_where_the_machine_cannot_tell() -> None:
    found, _ = _measured(FakeReranker(), _candidates([2] * 2))
    assert found.throughput is not None
    assert found.throughput.energy_j == ()


def test_a_pass_in_which_the_energy_counter_started_over_is_left_out() -> None:
    fake = FakeReranker()
    wrap = 20.0
    found, _ = _measured(fake, _candidates([2] * 2), energy_j=lambda: (fake.now_s - 1000.0) % wrap)
    assert found.throughput is not None
    assert found.throughput.energy_j == pytest.approx((4.0, 4.0))


@pytest.mark.parametrize(("foreign", "warned"), [(0.0, False), (0.1, False), (1.5, True)])
def test_foreign_load_is_what_others_kept_busy_and_warns(foreign: float, warned: bool) -> None:
    fake = FakeReranker()
    found, warnings = speed.measure(
        fake,
        _candidates([2] * 4),
        passes=3,
        budget_s=1000.0,
        instruments=Instruments(
            clock=fake.clock,
            own_cpu_s=lambda: fake.now_s * 2.0,
            machine_busy_s=lambda: 77.0 + fake.now_s * (2.0 + foreign),
        ),
    )
    assert found.foreign_load == pytest.approx(foreign, abs=1e-9)
    expected = [f"measured while other processes kept {foreign:.1f} cores busy"]
    assert warnings == (expected if warned else [])


def test_foreign_load_is_never_negative() -> None:
    fake = FakeReranker()
    found, _ = speed.measure(
        fake,
        _candidates([2]),
        passes=3,
        budget_s=10.0,
        instruments=Instruments(
            clock=fake.clock, own_cpu_s=fake.clock, machine_busy_s=lambda: fake.now_s / 2
        ),
    )
    assert found.foreign_load == 0.0


def test_foreign_load_is_unknown_where_the_machine_cannot_tell() -> None:
    found, warnings = _measured(FakeReranker(), _candidates([2]))
    assert found.foreign_load is None
    assert warnings == []


def test_peak_memory_is_only_reported_where_counting_started_anew() -> None:
    candidates = _candidates([2])
    fresh, _ = _measured(
        FakeReranker(), candidates, reset_peak_memory=lambda: True, peak_memory_bytes=lambda: 99
    )
    stale, _ = _measured(
        FakeReranker(), candidates, reset_peak_memory=lambda: False, peak_memory_bytes=lambda: 99
    )
    assert (fresh.peak_host_bytes, stale.peak_host_bytes) == (99, None)


def test_the_clock_is_read_when_all_scores_are_back() -> None:
    fake = FakeReranker()

    def late() -> None:
        fake.now_s += 100.0

    fake.after_pass = late
    result = speed.one_pass(fake, Job(candidates=_candidates([1])), _instruments(fake))
    assert result.whole_s == pytest.approx(101.0)
    assert result.model_s == pytest.approx(100.75)


def test_the_default_instruments_read_a_clock_that_moves_on() -> None:
    instruments = Instruments()
    assert instruments.clock() <= instruments.clock()
    assert instruments.machine_busy_s() is None
    assert instruments.energy_j() is None
    assert instruments.reset_peak_memory() is False
    assert instruments.peak_memory_bytes() is None
