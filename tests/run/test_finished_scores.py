"""Fused rows take the scores of their plain row: counted by a reranker that counts its pairs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest

from rerankbench.progress import Silent
from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.run import command, pipeline, speed
from rerankbench.run.config import validated
from rerankbench.run.forecast import forecast
from rerankbench.run.given import Given
from rerankbench.run.work import Report, Work
from rerankbench.types import EngineRef, Record, RerankerRef
from tests import tiny

PLAIN: Mapping[str, Any] = {"model": "counted"}
RRF: Mapping[str, Any] = {"model": "counted", "fusion": "rrf"}
LINEAR: Mapping[str, Any] = {"model": "counted", "fusion": {"method": "linear", "weight": 0.7}}
NAMES = {"counted": PLAIN, "counted + RRF": RRF, "counted + 0.7 linear": LINEAR}
DEPTH = 7
ENGINE = EngineRef(engine="fake", device="cpu")


@dataclass
class Counted:
    """Scores by ids; counts what it scored, and dies after `survives` batches.

    Scores tie where they are of few `worth`s. `jobs` are the pairs of each job.
    """

    worth: int = 11
    survives: int | None = None
    loaded: int = 0
    jobs: list[int] = field(default_factory=list)
    scored: Counter[tuple[str, str]] = field(default_factory=Counter)
    attention_kernel: str | None = "none"
    scores_documents: bool = True
    engine: EngineRef = ENGINE
    ref: RerankerRef = field(init=False)

    def __post_init__(self) -> None:
        self.ref = RerankerRef(name="counted", family="fake", revision=str(self.worth))

    @property
    def about(self) -> Mapping[str, str]:
        return {}

    @property
    def checks(self) -> Mapping[str, str]:
        return {"padding": "tried"}

    def identify(self, spec: RerankerSpec) -> Counted:
        return self

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        return EngineChoice(engine=self.engine)

    def load(self, engine: EngineRef) -> Counted:
        self.loaded += 1
        return self

    def prepare(self, job: Job) -> Job:
        self.jobs.append(job.starts[-1])
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        for each, pairs in zip(prepared.candidates, prepared.pairs(), strict=True):
            if prepared.done.issuperset(pairs):
                continue
            if self.survives is not None:
                self.survives -= 1
                if self.survives < 0:
                    raise KeyboardInterrupt
            names = [(each.query.query_id, document.doc_id) for document in each.documents]
            self.scored.update(names)
            scores = [crc32("".join(name).encode()) % self.worth / 3 for name in names]
            yield ScoredBatch(pairs=pairs, scores=scores, tokens=len(pairs), truncated_pairs=1)

    def warnings(self) -> Sequence[str]:
        return ["a batch was halved"]

    def peak_device_bytes(self) -> int | None:
        return None

    @property
    def times(self) -> list[int]:
        """How often pairs were scored, of those that were."""
        return sorted(set(self.scored.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One results folder, with a cache of its own in which work lies."""

    results: Path
    collection: Path

    def work(
        self,
        reranker: Counted,
        models: Sequence[Mapping[str, Any]],
        *,
        speed: bool = False,
        fresh: bool = False,
        metrics: Sequence[str] = ("nDCG@10",),
    ) -> Work:
        values = {
            "datasets": [str(self.collection)],
            "models": [dict(each) for each in models],
            "top_k": DEPTH,
            "metrics": list(metrics),
            "speed": {"enabled": speed, "budget_s": 0.05},
            "results": self.results,
        }
        given = Given(rerankers={"counted": reranker})
        return command.prepare(validated(values, "test"), Silent(), fresh=fresh, given=given)

    def run(self, reranker: Counted, *models: Mapping[str, Any], **how: Any) -> Report:
        """Run, and hold the forecast to the pairs that were scored."""
        foreseen = forecast(self.work(reranker, models, **how))
        before = reranker.scored.total()
        report = pipeline.run(self.work(reranker, models, **how))
        if not how.get("speed") and foreseen.groups[0].pairs_are_known:
            left = sum(cell.pairs_left for cell in foreseen.cells if cell.reranker in NAMES)
            assert left == reranker.scored.total() - before
        return report

    def rows(self) -> dict[str, tuple[Any, ...]]:
        """What records and run files hold of each row, but for keys, time and speed."""
        return {
            name: (
                self.runs(name).read_bytes(),
                record["run_sha256"],
                record["per_query"],
                record["ties"],
                record["scored_pairs"],
                record["truncated_pairs"],
                record["queries_without_results"],
                record["checks"],
                record["environment"],
                sorted(record["warnings"]),
            )
            for name, record in tiny.records(self.results).items()
            if name in NAMES and self.runs(name).exists()
        }

    def runs(self, name: str) -> Path:
        """The run file of a row."""
        key = tiny.records(self.results)[name]["quality_key"]
        return self.results / "default" / "runs" / f"{key}.trec.gz"


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    """Six queries, and one more that no document answers."""
    folder = tiny.write_collection(tmp_path / "small")
    with (folder / "queries.jsonl").open("a") as queries:
        queries.write('{"_id": "q9", "text": "xylophone"}\n')
    with (folder / "qrels" / "test.tsv").open("a") as qrels:
        qrels.write("q9\td3\t1\n")
    return folder


@pytest.fixture
def place(tmp_path: Path, collection: Path) -> Place:
    return Place(results=tmp_path / "results", collection=collection)


def _apart(place: Place, folder: Path, worth: int = 11) -> dict[str, tuple[Any, ...]]:
    """What each row holds where it is run alone, with nothing else in the results."""
    rows = {}
    for at, (name, model) in enumerate(NAMES.items()):
        alone = Place(results=folder / f"alone{at}", collection=place.collection)
        reranker = Counted(worth=worth)
        alone.run(reranker, model)
        assert reranker.times == [1]
        rows[name] = alone.rows()[name]
    return rows


@pytest.mark.parametrize("models", list(permutations((PLAIN, RRF, LINEAR))))
def test_each_pair_is_scored_once_whatever_the_order_of_the_rows(
    place: Place, tmp_path: Path, models: Sequence[Mapping[str, Any]]
) -> None:
    reranker = Counted()
    report = place.run(reranker, *models)
    assert (reranker.times, reranker.loaded) == ([1], 1)
    assert place.rows() == _apart(place, tmp_path)
    asked = [next(name for name in NAMES if NAMES[name] is model) for model in models]
    assert [record.cell.reranker.name for record in report.records] == ["bm25", *asked]


@pytest.mark.parametrize("worth", [2, 1_000_003])
def test_a_finished_plain_row_gives_its_scores_from_its_run_file(
    place: Place, tmp_path: Path, worth: int
) -> None:
    place.run(Counted(worth=worth), PLAIN)
    later = Counted(worth=worth)
    place.run(later, RRF)
    place.run(later, LINEAR, PLAIN)
    assert (later.scored, later.loaded) == (Counter(), 0)
    assert place.rows() == _apart(place, tmp_path, worth)
    ties = "of neighbouring scores tie" in str(place.rows()["counted"])
    assert ties == (worth == 2)


def test_fusions_without_a_plain_row_share_one_pass(place: Place) -> None:
    reranker = Counted()
    place.run(reranker, LINEAR, RRF)
    assert (reranker.times, reranker.loaded) == ([1], 1)
    # Their run files hold no scores of the reranker's own.
    place.run(reranker, PLAIN)
    assert reranker.times == [2]


def test_other_settings_are_other_scores(place: Place) -> None:
    first, second = Counted(worth=11), Counted(worth=13)
    place.run(first, PLAIN)
    place.run(second, RRF)
    assert first.times == second.times == [1]


@pytest.mark.parametrize("fault", ["gone", "damaged", "another"])
def test_pairs_are_scored_again_where_the_run_file_is_not_the_plain_rows_own(
    place: Place, tmp_path: Path, fault: str
) -> None:
    place.run(Counted(), PLAIN, {"model": "random"})
    path = place.runs("counted")
    if fault == "gone":
        path.unlink()
    elif fault == "damaged":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        path.write_bytes(place.runs("random").read_bytes())
    later = Counted()
    # The forecast does not read run files.
    pipeline.run(place.work(later, [RRF]))
    assert later.times == [1]
    assert place.rows()["counted + RRF"] == _apart(place, tmp_path)["counted + RRF"]


@pytest.mark.parametrize("first", [(PLAIN, RRF), (RRF,), (LINEAR, RRF)])
def test_an_interrupted_run_goes_on_for_whichever_rows_are_asked_then(
    place: Place, tmp_path: Path, first: Sequence[Mapping[str, Any]]
) -> None:
    reranker = Counted(survives=3)
    with pytest.raises(KeyboardInterrupt):
        place.run(reranker, *first)
    begun = reranker.scored.total()
    reranker.survives = None
    place.run(reranker, RRF, PLAIN, LINEAR)
    assert 0 < begun < reranker.scored.total()
    assert reranker.times == [1]
    assert place.rows() == _apart(place, tmp_path)


def test_what_is_left_for_resuming_is_dropped_in_the_end(place: Place, own_cache: Path) -> None:
    place.run(Counted(), PLAIN, RRF, LINEAR)
    assert not list((own_cache / "work").iterdir())


def test_a_row_that_fails_after_scoring_leaves_its_scores_to_the_others_and_to_the_next_run(
    place: Place, monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    measure, asked = speed.measure, []

    def fail_first(*arguments: Any, **how: Any) -> Any:
        asked.append(1)
        if len(asked) == 1:
            raise RuntimeError("no clock")
        return measure(*arguments, **how)

    monkeypatch.setattr(speed, "measure", fail_first)
    reranker, later = Counted(), Counted()
    report = place.run(reranker, PLAIN, RRF, speed=True)
    assert [str(each).partition(";")[0] for each in report.failures] == [
        "counted: RuntimeError: no clock"
    ]
    # All pairs at once; then the fused row finds them in the journal, and measures: one query.
    assert reranker.jobs[0] > DEPTH >= reranker.jobs[1]
    (folder,) = (own_cache / "work").iterdir()
    assert {path.name for path in folder.iterdir()} == {"scores.jsonl", "error.txt"}
    assert _measured(place)["counted + RRF"]["throughput"] is not None
    assert not place.run(later, PLAIN, speed=True).failures
    assert later.jobs[0] <= DEPTH
    assert not list((own_cache / "work").iterdir())


def test_fresh_scores_once_more(place: Place, tmp_path: Path) -> None:
    reranker = Counted()
    place.run(reranker, PLAIN, RRF)
    place.run(reranker, RRF, PLAIN, LINEAR, fresh=True)
    assert reranker.times == [2]
    assert place.rows() == _apart(place, tmp_path)


def _measured(place: Place) -> dict[str, Any]:
    return {
        name: record["measurements"]
        for name, record in tiny.records(place.results).items()
        if name in NAMES
    }


def test_a_fused_row_has_the_speed_of_its_plain_row(place: Place) -> None:
    reranker = Counted()
    place.run(reranker, RRF, PLAIN, speed=True)
    found = _measured(place)
    assert found["counted"]["throughput"] is not None
    assert found["counted + RRF"] == found["counted"]
    place.run(reranker, LINEAR, speed=True)
    assert reranker.loaded == 1
    assert _measured(place)["counted + 0.7 linear"] == found["counted"]


def test_a_fused_row_alone_is_measured_by_itself(place: Place) -> None:
    place.run(Counted(), RRF, speed=True)
    assert _measured(place)["counted + RRF"]["throughput"] is not None


def test_speed_that_is_lacking_is_measured_once_for_all(place: Place) -> None:
    reranker = Counted()
    place.run(reranker, PLAIN, RRF, metrics=("P@3",))
    rows = place.rows()
    assert reranker.loaded == 1
    foreseen = forecast(place.work(reranker, [PLAIN, RRF], speed=True))
    seconds = {cell.reranker: cell.seconds for cell in foreseen.cells}
    assert seconds == {"bm25": 0.0, "counted": 0.05, "counted + RRF": 0.0}
    place.run(reranker, PLAIN, RRF, speed=True)
    assert reranker.loaded == 2
    found = _measured(place)
    assert found["counted"]["throughput"] is not None
    assert found["counted + RRF"] == found["counted"]
    after = place.rows()
    assert {name: row[:-1] for name, row in after.items()} == {
        name: row[:-1] for name, row in rows.items()
    }
    assert "P@3" in after["counted + RRF"][2]


def test_a_fused_row_measures_where_its_plain_row_did_not(place: Place) -> None:
    place.run(Counted(), PLAIN)
    later = Counted()
    place.run(later, RRF, LINEAR, speed=True)
    assert later.loaded == 1
    found = _measured(place)
    assert found["counted"]["throughput"] is None
    assert found["counted + RRF"]["throughput"] is not None
    assert found["counted + RRF"] == found["counted + 0.7 linear"]


def test_a_forecast_counts_shared_pairs_once(place: Place) -> None:
    reranker = Counted()
    place.run(reranker, {"model": "random"})

    def states(*models: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
        cells = forecast(place.work(reranker, models)).cells
        return {cell.reranker: (cell.state, cell.pairs_left) for cell in cells}

    found = states(RRF, PLAIN)
    total = found["counted"][1]
    assert found == {
        "bm25": ("finished", 0),
        "counted + RRF": ("to fuse", 0),
        "counted": ("to do", total),
    }
    assert states(RRF, LINEAR)["counted + RRF"] == ("to do", total)
    place.run(reranker, PLAIN)
    assert reranker.scored.total() == total
    assert states(LINEAR)["counted + 0.7 linear"] == ("to fuse", 0)


def test_records_of_other_packages_keep_their_environment(place: Place) -> None:
    """A fused row says where its scores come from, not where they were joined."""
    place.run(Counted(), PLAIN)
    (path,) = [
        path
        for path in place.results.rglob("records/*.json")
        if json.loads(path.read_bytes())["cell"]["reranker"]["name"] == "counted"
    ]
    record = json.loads(path.read_bytes())
    record["environment"]["packages"]["torch"] = "0.0.1"
    path.write_text(json.dumps(record))
    later = Counted()
    report = place.run(later, RRF)
    (fused,) = [each for each in report.records if each.cell.reranker.fusion]
    assert isinstance(fused, Record)
    assert fused.environment.packages["torch"] == "0.0.1"
    assert later.loaded == 0
    # The speed is measured now: then all of it is of now.
    place.run(later, LINEAR, speed=True)
    linear = tiny.records(place.results)["counted + 0.7 linear"]
    assert linear["environment"]["packages"].get("torch") != "0.0.1"
    assert later.loaded == 1
