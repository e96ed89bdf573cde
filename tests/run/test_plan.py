"""From a config to cells: every name checked first, every choice where it belongs."""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from rerankbench.errors import ConfigError, InputError, UsageError
from rerankbench.protocols import EngineChoice, Reranker, RerankerSpec
from rerankbench.registry import naming
from rerankbench.run import plan
from rerankbench.run.config import RunConfig, validated
from rerankbench.run.plan import Plan
from rerankbench.types import (
    CollectionHashes,
    Document,
    EngineRef,
    Environment,
    Json,
    Price,
    Qrels,
    Query,
    RerankerRef,
)

ENVIRONMENT = Environment(
    machine_id="machine",
    cpu="c",
    cores=6,
    memory_bytes=1,
    gpu=None,
    gpu_memory_bytes=None,
    system="s",
    python="3",
    packages={},
    git_sha=None,
)


@dataclass
class FakeCollection:
    """Ten judged queries q0…q9; the qrels name one more that has no text."""

    name: str
    source: str = "memory"
    split: str = "test"
    drops_identical_ids: bool = False
    order: Sequence[int] = tuple(range(10))
    readings: int = 0

    def hashes(self) -> CollectionHashes:
        return CollectionHashes(corpus=self.name, queries="q", qrels="r")

    def documents(self) -> Iterator[Document]:
        return iter(())

    def document_count(self) -> int | None:
        return 0

    def queries(self) -> Sequence[Query]:
        self.readings += 1
        return [Query(query_id=f"q{i}", text="t") for i in self.order]

    def qrels(self) -> Qrels:
        return {f"q{i}": {"d": 1} for i in [*self.order, 99]}

    def lookup(self, doc_ids: Group[str]) -> Mapping[str, Document]:
        return {}

    def warnings(self) -> Sequence[str]:
        return ()


@dataclass
class FakeFactory:
    """Identifies as the model's name, and remembers what it was asked for."""

    scores_documents: bool = True
    recipe: Mapping[str, Json] = field(default_factory=dict)
    specs: list[RerankerSpec] = field(default_factory=list)

    def identify(self, spec: RerankerSpec) -> FakeLoadable:
        self.specs.append(spec)
        ref = RerankerRef(
            name=spec.name or spec.model, family="fake", revision=spec.model, recipe=self.recipe
        )
        return FakeLoadable(ref=ref, spec=spec)


@dataclass
class FakeLoadable:
    ref: RerankerRef
    spec: RerankerSpec

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        spec = self.spec
        engine = EngineRef(engine=spec.engine, device=spec.device, threads=spec.threads)
        return EngineChoice(engine=engine, reason=f"for {pairs} pairs")

    def load(self, engine: EngineRef) -> Reranker[Any]:
        raise AssertionError("planning loads no model")


@dataclass
class Fakes:
    """What the plan was given for names."""

    factory: FakeFactory = field(default_factory=FakeFactory)
    opened: list[tuple[str, str | None]] = field(default_factory=list)
    collections: dict[str, FakeCollection] = field(default_factory=dict)

    def spec(self, model: str) -> RerankerSpec:
        (found,) = (spec for spec in self.factory.specs if spec.model == model)
        return found


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """Collections and checkpoints that need no files; registered names stay real."""
    made = Fakes()
    find = naming.find_factory

    def open_collection(name: str, split: str | None = None) -> FakeCollection:
        if name.startswith("missing"):
            raise InputError(name, "no such folder")
        made.opened.append((name, split))
        return made.collections.setdefault(name, FakeCollection(name=name))

    def find_factory(model: str, family: str | None = None) -> Any:
        return find(model, family) if model in ("bm25", "oracle", "random") else made.factory

    monkeypatch.setattr(naming, "open_collection", open_collection)
    monkeypatch.setattr(naming, "find_factory", find_factory)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return made


def _config(**values: Any) -> RunConfig:
    return validated({"datasets": ["demo"], "models": ["m"], **values}, "test")


def _make(cache: Path, *, cuda: bool = False, **values: Any) -> Plan:
    return plan.make(_config(**values), ENVIRONMENT, cuda=cuda, cache=cache)


def _only(made: Plan) -> plan.Group:
    (group,) = made.groups
    return plan.open_group(made, group)


def test_every_wrong_name_is_told_at_once(fakes: Fakes, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        _make(
            tmp_path,
            datasets=["missing/a", "demo", "missing/b", "missing/a"],
            models=[{"model": "m", "trust_remote_code": True}],
            first_stages=["bm26", {"name": "bm25", "k2": 1}],
            metrics=["nDGC@10", "P"],
        )
    lines = str(caught.value).splitlines()
    assert [line.split(";")[0].split(" (")[0] for line in lines[:5]] == [
        "no metric 'nDGC@10'",
        "metric 'P' needs a cutoff",
        "missing/a: no such folder",
        "missing/b: no such folder",
        "m: trust_remote_code needs the revision to trust",
    ]
    assert "no first stage 'bm26'; did you mean 'bm25'?" in lines
    assert any("k2" in line for line in lines)
    assert len(lines) == 7


def test_planning_reads_no_collection(fakes: Fakes, tmp_path: Path) -> None:
    made = _make(tmp_path, datasets=["a", "b"])
    assert [each.readings for each in fakes.collections.values()] == [0, 0]
    plan.open_group(made, made.groups[0])
    assert [each.readings > 0 for each in fakes.collections.values()] == [True, False]


def test_groups_are_collections_times_first_stages(fakes: Fakes, tmp_path: Path) -> None:
    made = _make(
        tmp_path,
        datasets=["a", {"id": "b", "split": "dev"}],
        first_stages=["bm25", {"name": "bm25", "k1": 1.5}],
        top_k=7,
    )
    groups = [plan.open_group(made, group) for group in made.groups]
    assert [
        (group.collection_ref.name, group.first_stage_ref.parameters["k1"]) for group in groups
    ] == [("a", 0.9), ("a", 1.5), ("b", 0.9), ("b", 1.5)]
    assert {group.depth for group in groups} == {7}
    assert fakes.opened == [("a", None), ("b", "dev")]
    keys = [cell.key for group in groups for cell in group.cells]
    assert len(set(keys)) == len(keys) == 8


def test_a_dataset_named_twice_is_run_once(fakes: Fakes, tmp_path: Path) -> None:
    _make(tmp_path, datasets=["a", "a", {"id": "a", "split": "dev"}])
    assert fakes.opened == [("a", None), ("a", "dev")]


def test_a_name_of_several_collections_is_all_of_them(fakes: Fakes, tmp_path: Path) -> None:
    made = _make(tmp_path, datasets=["beir/cqadupstack"])
    assert len(made.groups) == 12
    assert all(name.startswith("beir/cqadupstack/") for name, _ in fakes.opened)


def test_a_folder_is_not_taken_for_a_known_name(
    fakes: Fakes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fiqa").mkdir()
    _make(tmp_path, datasets=["fiqa"])
    assert fakes.opened == [("fiqa", None)]


def test_the_first_stages_own_row_comes_first_unless_placed(fakes: Fakes, tmp_path: Path) -> None:
    def rows(*models: str) -> list[str]:
        group = _only(_make(tmp_path, models=list(models)))
        return [cell.cell.reranker.name for cell in group.cells]

    assert rows("m", "oracle") == ["bm25", "m", "oracle"]
    assert rows("m", "bm25") == ["m", "bm25"]


def test_the_row_is_called_after_the_first_stage_it_stands_for(
    fakes: Fakes, tmp_path: Path
) -> None:
    run = tmp_path / "a.trec"
    run.write_text("q0 Q0 d 1 1.0 t\n")

    def row(stage: str) -> str:
        made = _make(tmp_path, first_stages=[stage])
        return _only(made).cells[0].cell.reranker.name

    assert row("bm25") == "bm25"
    assert row("rank-bm25") == "bm25"
    assert row(f"run:{run}") == "first stage"


def test_metrics_are_those_asked_for_then_those_that_every_record_holds(
    fakes: Fakes, tmp_path: Path
) -> None:
    made = _make(tmp_path, metrics=["MAP@7", "ndcg_cut_10", "nDCG@10"])
    names = [metric.name for metric in made.metrics]
    assert names[:2] == ["MAP@7", "nDCG@10"]
    assert set(plan.ALWAYS) <= set(names)
    assert len(names) == len(set(names))


def test_a_models_own_keys_win_over_the_runs(fakes: Fakes, tmp_path: Path) -> None:
    _make(
        tmp_path,
        models=[
            "plain",
            {
                "model": "own",
                "name": "mine",
                "revision": "abc",
                "trust_remote_code": True,
                "dtype": "float16",
                "engine": "e2",
                "batch_tokens": 5,
                "max_length": 64,
            },
        ],
        dtype="bfloat16",
        engine="e1",
        batch_tokens=9,
        max_length=128,
        device="cuda:1",
    )
    assert fakes.spec("plain") == RerankerSpec(
        model="plain",
        device="cuda:1",
        dtype="bfloat16",
        engine="e1",
        threads=6,
        batch_tokens=9,
        max_length=128,
    )
    assert fakes.spec("own") == RerankerSpec(
        model="own",
        name="mine",
        revision="abc",
        trust_remote_code=True,
        device="cuda:1",
        dtype="float16",
        engine="e2",
        threads=6,
        batch_tokens=5,
        max_length=64,
    )


@pytest.mark.parametrize(("cuda", "device"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one_and_leaves_the_dtype_to_the_model(
    cuda: bool, device: str, fakes: Fakes, tmp_path: Path
) -> None:
    _make(tmp_path, cuda=cuda)
    assert (fakes.spec("m").device, fakes.spec("m").dtype) == (device, None)


def test_remote_code_of_a_local_folder_needs_no_revision(fakes: Fakes, tmp_path: Path) -> None:
    _make(tmp_path, models=[{"model": str(tmp_path), "trust_remote_code": True}])
    assert fakes.spec(str(tmp_path)).trust_remote_code


def test_two_rows_of_one_name_are_refused_with_the_way_out(fakes: Fakes, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"two models are called 'm'; .*\{model: m, name: …\}"):
        _make(tmp_path, models=["m", {"model": "m", "dtype": "float16"}])
    made = _make(tmp_path, models=["m", {"model": "m", "name": "m16", "dtype": "float16"}])
    assert [cell.cell.reranker.name for cell in _only(made).cells] == ["bm25", "m", "m16"]


@pytest.mark.parametrize("limit", [None, 10, 99])
def test_without_a_limit_below_their_number_all_queries_run(
    limit: int | None, fakes: Fakes, tmp_path: Path
) -> None:
    group = _only(_make(tmp_path, limit_queries=limit))
    assert len(group.queries) == 10
    # The judged query without a text counts too.
    assert len(group.qrels) == 11
    assert (group.collection_ref.sampled_queries, group.collection_ref.sample_seed) == (
        None,
        None,
    )


def test_a_sample_is_marked_seeded_and_independent_of_the_order_of_queries(
    fakes: Fakes, tmp_path: Path
) -> None:
    fakes.collections["a"] = FakeCollection(name="a")
    fakes.collections["b"] = FakeCollection(name="b", order=tuple(reversed(range(10))))
    made = _make(tmp_path, datasets=["a", "b"], limit_queries=4)
    one, other = (plan.open_group(made, group) for group in made.groups)
    chosen = [query.query_id for query in one.queries]
    assert len(set(chosen)) == 4
    assert chosen != [f"q{i}" for i in range(4)]
    assert chosen == sorted(chosen)
    assert [query.query_id for query in other.queries] == chosen[::-1]
    assert set(one.qrels) == set(chosen)
    assert one.collection_ref.sampled_queries == 4
    assert one.collection_ref.sample_seed == plan.QUERY_SAMPLE_SEED


def test_a_sample_is_another_ranking_task(fakes: Fakes, tmp_path: Path) -> None:
    whole, sample = (_only(_make(tmp_path, limit_queries=limit)) for limit in (None, 4))
    assert whole.cells[1].quality_key != sample.cells[1].quality_key


def test_how_speed_is_measured_does_not_make_another_cell(fakes: Fakes, tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [{}, {"budget_s": 5}, {"enabled": False}]
    cells = [_only(_make(tmp_path, speed=speed)).cells for speed in settings]
    assert len({each[1].key for each in cells}) == 1


def test_another_machine_is_another_speed_but_the_same_quality(
    fakes: Fakes, tmp_path: Path
) -> None:
    here = _only(_make(tmp_path)).cells[1]
    elsewhere = replace(ENVIRONMENT, machine_id="other")
    there = _only(plan.make(_config(), elsewhere, cuda=False, cache=tmp_path)).cells[1]
    assert here.quality_key == there.quality_key
    assert here.speed_key != there.speed_key


def test_a_group_tells_the_collection_as_it_is(fakes: Fakes, tmp_path: Path) -> None:
    fakes.collections["a"] = FakeCollection(
        name="a", source="data/a", split="dev", drops_identical_ids=True
    )
    group = _only(_make(tmp_path, datasets=["a"]))
    ref = group.collection_ref
    assert (ref.name, ref.source, ref.split, ref.drops_identical_ids) == (
        "a",
        "data/a",
        "dev",
        True,
    )
    assert ref.hashes == group.collection.hashes()
    assert all(cell.cell.collection == ref for cell in group.cells)
    assert all(cell.cell.first_stage == group.first_stage_ref for cell in group.cells)


def test_cells_carry_what_loads_them(fakes: Fakes, tmp_path: Path) -> None:
    cell = _only(_make(tmp_path)).cells[1]
    assert cell.model.factory is fakes.factory
    # Identified once; the engine is for a job of ten queries with a hundred documents each.
    assert cell.model.spec == fakes.spec("m")
    assert cell.choice == EngineChoice(engine=cell.cell.engine, reason="for 1000 pairs")
    assert cell.cell.engine == EngineRef(engine="auto", device="cpu", threads=6)


def test_a_price_is_kept_with_the_model_and_makes_no_other_cell(
    fakes: Fakes, tmp_path: Path
) -> None:
    price = {"amount": 0.5, "unit": "hour", "date": "2026-11-01"}
    priced = _only(_make(tmp_path, models=[{"model": "m", "price": price}])).cells[1]
    plain = _only(_make(tmp_path)).cells[1]
    assert priced.cell.reranker.price == Price(
        amount=0.5, unit="hour", per=1.0, date="2026-11-01", currency="USD"
    )
    assert plain.cell.reranker.price is None
    assert priced.key == plain.key


def test_metrics_are_at_the_level_of_the_collection(fakes: Fakes, tmp_path: Path) -> None:
    graded = FakeCollection(name="b")
    graded.relevance_level = 2  # type: ignore[attr-defined]
    fakes.collections |= {"a": FakeCollection(name="a"), "b": graded}
    entries = ["a", "b", {"id": "a", "relevance_level": 3}]
    made = _make(tmp_path, datasets=entries, metrics=["AP", "nDCG@10", "RR(rel=1)@10"])
    found = [plan.open_group(made, group) for group in made.groups]
    heads = [[metric.name for metric in group.metrics[:3]] for group in found]
    assert heads == [
        ["MAP", "nDCG@10", "MRR@10"],
        ["MAP(rel=2)", "nDCG@10", "MRR@10"],
        ["MAP(rel=3)", "nDCG@10", "MRR@10"],
    ]
    assert [group.collection_ref.relevance_level for group in found] == [1, 2, 3]
    # A level decides no ranking: the same cells are measured at both.
    assert found[0].cells[0].quality_key == found[2].cells[0].quality_key


@pytest.mark.parametrize("of_entry", [None, "auto", True, False])
@pytest.mark.parametrize("of_run", ["auto", True, False])
def test_the_entrys_rule_for_identical_ids_goes_before_the_runs(
    fakes: Fakes, tmp_path: Path, of_run: object, of_entry: object
) -> None:
    fakes.collections["a"] = FakeCollection(name="a", drops_identical_ids=True)
    entry = {"id": "a"} if of_entry is None else {"id": "a", "drop_identical_ids": of_entry}
    group = _only(_make(tmp_path, datasets=[entry], drop_identical_ids=of_run))
    rule = of_run if of_entry is None else of_entry
    assert group.collection_ref.drops_identical_ids is (rule is not False)
    assert len(group.own_ids) == (0 if rule is False else 10)
