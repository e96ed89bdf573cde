"""Records and runs on disk: nothing is lost, nothing is half there, nothing odd is believed."""

from __future__ import annotations

import errno
import gzip
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rerankbench.errors import InputError, NewerFileError, StorageError
from rerankbench.results import store
from rerankbench.results.store import Store, dump_record, read_record, read_records
from rerankbench.types import (
    Cell,
    CollectionHashes,
    CollectionRef,
    EngineRef,
    Environment,
    FirstStageRef,
    Hit,
    Latency,
    Measurements,
    Price,
    PriceUnit,
    Ranking,
    Record,
    RerankerRef,
    Throughput,
    Ties,
)

TEXT = st.text(max_size=6)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
COUNT = st.integers(0, 2**60)
POSITIVE = st.integers(1, 2**60)
AMOUNT = st.floats(0, 1e15)
PER = st.floats(1e-9, 1e9)
VALUE = st.floats(-1e9, 1e9)
SECONDS = st.lists(st.floats(0, 1e9), max_size=3).map(tuple)
DURATIONS = st.lists(PER, max_size=3).map(tuple)
JSON = st.dictionaries(
    TEXT,
    TEXT | st.booleans() | COUNT | FLOAT | st.none() | st.lists(TEXT, max_size=2).map(tuple),
    max_size=3,
)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


CELLS = st.builds(
    Cell,
    collection=st.builds(
        CollectionRef,
        name=TEXT,
        source=TEXT,
        split=TEXT,
        hashes=st.builds(CollectionHashes, corpus=TEXT, queries=TEXT, qrels=TEXT),
        drops_identical_ids=st.booleans(),
        sampled_queries=_maybe(COUNT),
        sample_seed=_maybe(COUNT),
    ),
    first_stage=st.builds(FirstStageRef, name=TEXT, parameters=JSON),
    depth=COUNT,
    reranker=st.builds(
        RerankerRef,
        name=TEXT,
        family=TEXT,
        revision=TEXT,
        parameters=_maybe(COUNT),
        dtype=_maybe(TEXT),
        max_length=_maybe(COUNT),
        recipe=JSON,
        price=_maybe(
            st.builds(
                Price,
                amount=AMOUNT,
                unit=st.sampled_from(get_args(PriceUnit)),
                per=PER,
                date=st.dates().map(str),
                currency=st.from_regex("[A-Z]{3}", fullmatch=True),
            )
        ),
    ),
    engine=st.builds(
        EngineRef, engine=TEXT, device=TEXT, batch_tokens=_maybe(COUNT), threads=_maybe(COUNT)
    ),
)
MEASUREMENTS = st.builds(
    Measurements,
    throughput=_maybe(
        st.builds(
            Throughput,
            queries=POSITIVE,
            pairs=POSITIVE,
            tokens=COUNT,
            padded_tokens=COUNT,
            truncated_pairs=COUNT,
            warmup_passes_s=SECONDS,
            passes_s=DURATIONS,
            model_passes_s=DURATIONS,
            energy_j=SECONDS,
            searches=AMOUNT,
        )
    ),
    latency=_maybe(
        st.builds(
            Latency, requests_s=DURATIONS, pairs_per_request=st.lists(COUNT, max_size=2).map(tuple)
        )
    ),
    peak_host_bytes=_maybe(COUNT),
    peak_device_bytes=_maybe(COUNT),
    attention_kernel=_maybe(TEXT),
    foreign_load=_maybe(AMOUNT),
    failed_attempts_s=SECONDS,
)
RECORDS = st.builds(
    Record,
    schema=st.just(store.SCHEMA),
    suite=TEXT,
    quality_key=TEXT,
    speed_key=TEXT,
    cell=CELLS,
    environment=st.builds(
        Environment,
        machine_id=TEXT,
        cpu=TEXT,
        cores=COUNT,
        memory_bytes=COUNT,
        gpu=_maybe(TEXT),
        gpu_memory_bytes=_maybe(COUNT),
        system=TEXT,
        python=TEXT,
        packages=st.dictionaries(TEXT, TEXT, max_size=2),
        git_sha=_maybe(TEXT),
    ),
    started_at=TEXT,
    per_query=st.dictionaries(TEXT, st.dictionaries(TEXT, VALUE, max_size=3), max_size=2),
    queries_without_results=COUNT,
    scored_pairs=COUNT,
    truncated_pairs=COUNT,
    run_sha256=TEXT,
    ties=_maybe(st.builds(Ties, rate=st.floats(0, 1), worst=VALUE, best=VALUE)),
    measurements=MEASUREMENTS,
    warnings=st.lists(TEXT, max_size=2).map(tuple),
)
RANKINGS = [
    Ranking.sort("q2", [Hit(doc_id="a", score=0.1 + 0.2), Hit(doc_id="b", score=1 / 3)]),
    Ranking.sort("q1", [Hit(doc_id="a", score=-1e-9)]),
    Ranking(query_id="q3", hits=()),
]


def _record(**values: Any) -> Record:
    usual = Record(
        schema=store.SCHEMA,
        suite="s",
        quality_key="quality",
        speed_key="speed",
        cell=Cell(
            collection=CollectionRef(
                name="c",
                source="c",
                split="test",
                hashes=CollectionHashes(corpus="1", queries="2", qrels="3"),
            ),
            first_stage=FirstStageRef(name="bm25", parameters={"k1": 0.9}),
            depth=10,
            reranker=RerankerRef(name="owner/model", family="f", revision="1"),
            engine=EngineRef(engine="none", device="none"),
        ),
        environment=Environment(
            machine_id="m",
            cpu="c",
            cores=1,
            memory_bytes=1,
            gpu=None,
            gpu_memory_bytes=None,
            system="s",
            python="3",
            packages={},
            git_sha=None,
        ),
        started_at="2026-01-01T00:00:00+00:00",
        per_query={"nDCG@10": {"q1": 0.5}},
        queries_without_results=1,
        scored_pairs=3,
        truncated_pairs=0,
        run_sha256=store.run_sha256(RANKINGS),
    )
    return replace(usual, **values)


@pytest.fixture
def kept(tmp_path: Path) -> Store:
    return Store(results=tmp_path / "results", suite="s")


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(record=RECORDS)
def test_a_record_reads_back_exactly(
    record: Record, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("r") / "r.json"
    path.write_bytes(dump_record(record))
    found = read_record(path)
    assert found == record
    # 1 == 1.0 == True, but they are different files.
    assert dump_record(found) == dump_record(record)
    assert repr(found) == repr(record)


@pytest.mark.parametrize("number", [5e-324, 0.1 + 0.2, -0.0, 1e9 - 1e-7, -1e-300, 1.0])
def test_floats_are_kept_to_the_last_bit(number: float, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(dump_record(_record(per_query={"m": {"q": number}})))
    assert read_record(tmp_path / "r.json").per_query["m"]["q"].hex() == number.hex()


@pytest.mark.parametrize("number", [1e22, 1.7976931348623157e308])
def test_large_floats_of_plug_ins_are_kept_to_the_last_bit(number: float, tmp_path: Path) -> None:
    stage = FirstStageRef(name="own", parameters={"k": number})
    record = _record(cell=replace(_record().cell, first_stage=stage))
    (tmp_path / "r.json").write_bytes(dump_record(record))
    assert read_record(tmp_path / "r.json") == record


def test_a_record_file_is_json_with_one_value_a_line() -> None:
    lines = dump_record(_record()).decode().splitlines()
    assert lines[1].strip() == f'"schema": {store.SCHEMA},'
    assert sum('"q1": 0.5' in line for line in lines) == 1
    assert all(line.count(":") <= 1 for line in lines if "started_at" not in line)


def test_a_written_record_is_found_under_its_keys_only(kept: Store) -> None:
    record = _record()
    path = kept.write(record, RANKINGS)
    assert path == kept.record_path("quality", "speed")
    assert kept.find("quality", "speed") == record
    assert kept.find("quality", "other") is None
    assert kept.find("other", "speed") is None
    assert replace(kept, suite="t").find("quality", "speed") is None


def test_files_lie_where_the_design_says(kept: Store) -> None:
    path = kept.write(_record(), RANKINGS)
    assert _files(kept.results) == [f"s/records/{path.name}", "s/runs/quality.trec.gz"]
    assert path.suffix == ".json"


def test_the_run_file_is_a_trec_run_with_full_precision(kept: Store) -> None:
    kept.write(_record(), RANKINGS)
    lines = gzip.decompress(kept.run_path("quality").read_bytes()).decode().splitlines()
    assert lines == [
        "q2 Q0 b 1 0.3333333333333333 owner_model",
        "q2 Q0 a 2 0.30000000000000004 owner_model",
        "q1 Q0 a 1 -1e-09 owner_model",
    ]


def test_a_run_of_another_cell_stays_unless_fresh(kept: Store) -> None:
    kept.write(_record(), RANKINGS)
    first = kept.run_path("quality").read_bytes()
    others = [Ranking.sort("q1", [Hit(doc_id="x", score=1.0)])]
    record = _record(speed_key="gpu", run_sha256=store.run_sha256(others))
    kept.write(record, others)
    assert kept.run_path("quality").read_bytes() == first
    assert kept.rankings(record) is None
    kept.write(record, others, fresh=True)
    assert kept.rankings(record) == others
    assert kept.rankings(_record()) is None


def test_rankings_are_given_back_where_the_run_file_is_the_records_own(kept: Store) -> None:
    kept.write(_record(), RANKINGS)
    assert kept.rankings(_record()) == RANKINGS[:2]


def test_rankings_without_a_run_file_are_unknown(kept: Store) -> None:
    assert kept.rankings(_record()) is None


def test_rankings_that_are_all_empty_are_given_back_as_none_at_all(kept: Store) -> None:
    empty = [Ranking(query_id="q", hits=())]
    record = _record(run_sha256=store.run_sha256(empty))
    kept.write(record, empty)
    assert kept.rankings(record) == []


def test_the_hash_of_a_run_ignores_the_order_of_queries_and_nothing_else() -> None:
    assert store.run_sha256(RANKINGS) == store.run_sha256(RANKINGS[::-1])
    assert store.run_sha256(RANKINGS) == store.run_sha256(RANKINGS[:2])
    ranking = RANKINGS[1]
    for changed in (
        replace(ranking, query_id="q9"),
        replace(ranking, hits=(Hit(doc_id="b", score=-1e-9),)),
        replace(ranking, hits=(Hit(doc_id="a", score=-1.0000000000000002e-9),)),
    ):
        assert store.run_sha256([RANKINGS[0], changed]) != store.run_sha256(RANKINGS)


@pytest.mark.parametrize("refusals", [1, 2])
@pytest.mark.parametrize("owner, name", [(os, "fsync"), (Path, "replace")])
def test_a_full_disk_leaves_no_record_and_no_partial_file(
    owner: Any, name: str, refusals: int, kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = getattr(owner, name), 0

    def full(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == refusals:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(*arguments)

    monkeypatch.setattr(owner, name, full)
    with pytest.raises(StorageError, match="No space left on device"):
        kept.write(_record(), RANKINGS)
    whole_run = ["s/runs/quality.trec.gz"] if refusals == 2 else []
    assert _files(kept.results) == whole_run
    assert kept.find("quality", "speed") is None
    assert not whole_run or kept.rankings(_record()) == RANKINGS[:2]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"null",
        b"[]",
        b"3",
        b"{}",
        b'{"schema": "1"}',
        b'{"schema": 0}',
        b'{"schema": -4}',
        b'{"schema": 1.5}',
        b'{"schema": 1}',
        b'{\n "schema": 1,\n "suite": "x"}',
        b'{\n "schema": 1,\n',
        b"\xff\xfe{",
        b"<html>",
    ],
)
def test_what_is_no_record_is_refused_with_a_remedy(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(body)
    with pytest.raises(InputError) as caught:
        read_record(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: is not a record")
    assert message.endswith("restore it from git, or delete it and run its cell again")
    assert "\n" not in message


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_record_that_was_cut_off_is_refused(share: float, tmp_path: Path) -> None:
    body = dump_record(_record())
    (tmp_path / "r.json").write_bytes(body[: int(len(body) * share)])
    with pytest.raises(InputError, match="is not a record"):
        read_record(tmp_path / "r.json")


def test_a_record_with_merge_conflicts_is_refused(tmp_path: Path) -> None:
    ours = dump_record(_record()).decode()
    lines = ours.splitlines(keepends=True)
    conflict = ["<<<<<<< HEAD\n", lines[2], "=======\n", lines[2], ">>>>>>> theirs\n"]
    for text in ("".join([*lines[:2], *conflict, *lines[3:]]), f"<<<<<<< HEAD\n{ours}"):
        (tmp_path / "r.json").write_text(text)
        with pytest.raises(InputError, match="is not a record"):
            read_record(tmp_path / "r.json")


def test_a_wrong_value_is_named_by_its_place(tmp_path: Path) -> None:
    raw = json.loads(dump_record(_record()))
    raw["cell"]["depth"] = "deep"
    (tmp_path / "r.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match=r"is not a record \(cell\.depth: "):
        read_record(tmp_path / "r.json")


def _full() -> dict[str, Any]:
    """A record with every number that a record can have, as plain JSON."""
    price = Price(amount=0.02, unit="token", per=1e6, date="2026-01-01")
    cell = _record().cell
    timed = Throughput(
        queries=1,
        pairs=2,
        tokens=3,
        padded_tokens=4,
        truncated_pairs=0,
        warmup_passes_s=(0.5,),
        passes_s=(1.0, 2.0),
        model_passes_s=(0.9,),
        energy_j=(3.0,),
        searches=1.0,
    )
    record = _record(
        cell=replace(
            cell,
            collection=replace(cell.collection, sampled_queries=5, sample_seed=0),
            reranker=replace(
                cell.reranker,
                parameters=7,
                max_length=512,
                recipe={"scale": 2.5, "labels": 2},
                price=price,
            ),
            engine=replace(cell.engine, batch_tokens=100, threads=2),
        ),
        environment=replace(_record().environment, gpu_memory_bytes=1),
        ties=Ties(rate=0.1, worst=0.2, best=0.3),
        measurements=Measurements(
            throughput=timed,
            latency=Latency(requests_s=(0.1,), pairs_per_request=(2,)),
            peak_host_bytes=1,
            peak_device_bytes=1,
            foreign_load=0.1,
            failed_attempts_s=(0.1,),
        ),
    )
    raw: dict[str, Any] = json.loads(dump_record(record))
    return raw


def _numbers(value: Any, *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """Where the numbers stand."""
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inner:
            yield from _numbers(each, *place, key)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


NUMBERS = [place for place in _numbers(_full()) if place != ("schema",)]
ANY_TYPE = {"parameters", "recipe"}
"""What plug-ins say of themselves may be text and negative; it is finite all the same."""


def _read_with(tmp_path: Path, place: Sequence[str | int], value: Any) -> Record:
    raw = _full()
    inner: Any = raw
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    (tmp_path / "r.json").write_text(json.dumps(raw, indent=1))
    return read_record(tmp_path / "r.json")


def test_every_number_of_a_record_is_tried() -> None:
    assert len(NUMBERS) >= 39
    assert {each[-1] for each in NUMBERS} >= {"amount", "per", "rate", "k1", "scale", "tokens"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("place", NUMBERS, ids=lambda place: ".".join(map(str, place)))
def test_what_is_not_finite_is_refused_by_file_and_field(
    place: tuple[str | int, ...], value: float, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        _read_with(tmp_path, place, value)
    message = str(caught.value)
    field = ".".join(map(str, place))
    assert message.startswith(f"{tmp_path / 'r.json'}: is not a record ({field}"), message
    assert message.endswith("restore it from git, or delete it and run its cell again")
    assert "\n" not in message and len(message) - len(str(tmp_path)) <= 300


@pytest.mark.parametrize("value", [-1, 1e308, 10**30, "0.5", True, None, [], {}])
@pytest.mark.parametrize("place", NUMBERS, ids=lambda place: ".".join(map(str, place)))
def test_what_the_number_cannot_be_is_refused(
    place: tuple[str | int, ...], value: Any, tmp_path: Path
) -> None:
    if ANY_TYPE & set(place[:-1]):
        pytest.skip("a plug-in says what it likes of itself")
    may_be = {
        -1: {"sample_seed", "worst", "best", "q1"},
        10**30: {"sample_seed"},
        None: {
            *("sampled_queries", "sample_seed", "parameters", "max_length", "batch_tokens"),
            *("threads", "gpu_memory_bytes", "peak_host_bytes", "peak_device_bytes"),
            "foreign_load",
        },
    }
    allowed = may_be.get(value, set()) if isinstance(value, int | None) else set()
    if place[-1] in allowed and value is not True:
        _read_with(tmp_path, place, value)
        return
    with pytest.raises(InputError, match=r"is not a record \("):
        _read_with(tmp_path, place, value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("measurements", "throughput", "queries"), 0),
        (("measurements", "throughput", "passes_s", 0), 0.0),
        (("measurements", "throughput", "model_passes_s", 0), 0.0),
        (("cell", "reranker", "price", "per"), 0.0),
        (("ties", "rate"), 1.5),
    ],
)
def test_what_figures_are_divided_by_is_not_zero(
    place: tuple[str | int, ...], value: float, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"is not a record \("):
        _read_with(tmp_path, place, value)


def test_the_schema_is_a_whole_number(tmp_path: Path) -> None:
    for value in ("2", 2.0, True, float("nan"), None):
        with pytest.raises(InputError, match="is not a record"):
            _read_with(tmp_path, ("schema",), value)


def test_records_of_the_first_schema_are_held_to_the_same(tmp_path: Path) -> None:
    raw = {**_full(), "schema": 1}
    (tmp_path / "r.json").write_text(json.dumps(raw))
    assert read_record(tmp_path / "r.json").schema == store.SCHEMA
    raw["per_query"]["nDCG@10"]["q1"] = float("nan")
    (tmp_path / "r.json").write_text(json.dumps(raw))
    with pytest.raises(InputError, match=r"\(per_query\.nDCG@10\.q1: .* finite number\)"):
        read_record(tmp_path / "r.json")


def test_a_long_name_does_not_make_a_long_message(tmp_path: Path) -> None:
    raw = _full()
    raw["per_query"] = {"metric" * 99: {"query" * 99: "x"}}
    (tmp_path / "r.json").write_text(json.dumps(raw))
    with pytest.raises(InputError) as caught:
        read_record(tmp_path / "r.json")
    assert len(str(caught.value)) - len(str(tmp_path)) < 300


def test_a_record_from_before_prices_and_services_is_read(tmp_path: Path) -> None:
    timed = Throughput(
        queries=1,
        pairs=2,
        tokens=3,
        padded_tokens=4,
        truncated_pairs=0,
        warmup_passes_s=(),
        passes_s=(1.0,),
    )
    record = _record(measurements=Measurements(throughput=timed))
    raw = json.loads(dump_record(record))
    del raw["cell"]["reranker"]["price"]
    del raw["measurements"]["failed_attempts_s"]
    del raw["measurements"]["throughput"]["searches"]
    (tmp_path / "r.json").write_text(json.dumps(raw))
    assert read_record(tmp_path / "r.json") == record


@pytest.mark.parametrize("indent", [None, 1])
def test_a_newer_record_is_refused_and_says_to_upgrade(indent: int | None, tmp_path: Path) -> None:
    raw = {**json.loads(dump_record(_record())), "schema": store.SCHEMA + 6, "more": [1]}
    (tmp_path / "r.json").write_text(json.dumps(raw, indent=indent))
    with pytest.raises(NewerFileError, match=r"r\.json: .*schema 9.*upgrade rerankbench"):
        read_record(tmp_path / "r.json")


def test_an_older_record_is_upgraded_step_by_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = _record(schema=3, suite="told by step two")
    raw = json.loads(dump_record(record))
    del raw["suite"]
    raw["schema"] = 1

    def first(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "schema": 2, "place": "told by step"}

    def second(old: dict[str, Any]) -> dict[str, Any]:
        return {**old, "schema": 3, "suite": f"{old['place']} two"}

    monkeypatch.setattr(store, "SCHEMA", 3)
    monkeypatch.setattr(store, "_UPGRADES", {1: first, 2: second})
    (tmp_path / "r.json").write_text(json.dumps(raw))
    found = read_record(tmp_path / "r.json")
    assert (found.schema, found.suite) == (3, "told by step two")
    (tmp_path / "r.json").write_text(json.dumps({**raw, "schema": 0}))
    with pytest.raises(InputError, match="no known schema"):
        read_record(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("family", "recipe", "fields"),
    [
        ("baseline", {"order": "first-stage"}, {"role": "first-stage"}),
        ("baseline", {"order": "oracle"}, {"role": "oracle"}),
        ("baseline", {"order": "random-0"}, {"role": "random"}),
        ("imported", {"run_sha256": "0"}, {"role": "imported"}),
        (
            "listwise",
            {"score": "-rank", "scores_lists": True},
            {"reads": "lists", "scale": "rank"},
        ),
        (
            "jina-v3",
            {"score": "cosine", "scores_lists": True},
            {"reads": "lists", "scale": "cosine"},
        ),
        (
            "bi-encoder",
            {"score": "cosine", "documents": "encoded once per collection"},
            {"reads": "documents-once", "scale": "cosine"},
        ),
        ("head", {"score": "logit0", "fusion": "rrf k=60"}, {"fusion": "rrf k=60"}),
        ("head", {}, {}),
    ],
)
def test_what_a_recipe_said_before_is_read_into_fields(
    family: str, recipe: dict[str, Any], fields: dict[str, Any], tmp_path: Path
) -> None:
    raw = json.loads(dump_record(_record()))
    model = raw["cell"]["reranker"]
    for name in ("role", "reads", "scale", "fusion"):
        del model[name]
    model |= {"family": family, "recipe": recipe}
    (tmp_path / "r.json").write_text(json.dumps({**raw, "schema": 2}))
    ref = read_record(tmp_path / "r.json").cell.reranker
    usual = {"role": "model", "reads": "pairs", "scale": "logit", "fusion": None}
    assert {name: getattr(ref, name) for name in usual} == usual | fields


def test_line_ends_and_layout_of_the_json_do_not_matter(tmp_path: Path) -> None:
    record = _record(warnings=("one",), measurements=Measurements(foreign_load=0.5))
    body = dump_record(record)
    compact = json.dumps(json.loads(body), sort_keys=True).encode()
    for number, form in enumerate((body.replace(b"\n", b"\r\n"), compact)):
        path = tmp_path / f"{number}.json"
        path.write_bytes(form)
        assert read_record(path) == record


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json: no such file"):
        read_record(tmp_path / "gone.json")


def test_records_are_read_below_folders_and_from_files(kept: Store) -> None:
    records = [_record(speed_key=key) for key in "abc"]
    paths = [kept.write(record, RANKINGS) for record in records]
    other = replace(kept, suite="t")
    fourth = other.write(_record(suite="t"), RANKINGS)

    def keys(*asked: Path) -> list[tuple[str, str]]:
        return sorted((each.suite, each.speed_key) for each in read_records(asked))

    own = [("s", key) for key in "abc"]
    assert keys(kept.results) == [*own, ("t", "speed")]
    assert keys(kept.results / "s") == own
    assert keys(kept.results / "s" / "records") == own
    assert keys(paths[1], fourth) == [("s", "b"), ("t", "speed")]


def test_records_come_in_path_order_and_each_file_once(
    kept: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [kept.write(_record(speed_key=key), RANKINGS) for key in "abcd"]
    by_path = [read_record(path) for path in sorted(paths)]
    assert read_records([kept.results]) == by_path
    assert read_records([kept.results, paths[0], kept.results / "s"]) == by_path
    monkeypatch.chdir(kept.results / "s" / "records")
    assert read_records([Path(), kept.results]) == by_path


def test_files_that_are_being_written_are_no_records(kept: Store) -> None:
    path = kept.write(_record(), RANKINGS)
    (path.parent / ".partial.json").write_text("{")
    (path.parent / "notes.txt").write_text("mine")
    (kept.results / "table.json").write_text("[]")
    assert read_records([kept.results]) == [_record()]


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone: no such file or folder; run `rerankbench run`"):
        read_records([tmp_path, tmp_path / "gone"])


def test_folders_without_records_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no records; run `rerankbench run` first"):
        read_records([tmp_path])


def test_one_damaged_record_is_not_passed_over(kept: Store) -> None:
    kept.write(_record(speed_key="a"), RANKINGS)
    kept.write(_record(), RANKINGS).write_bytes(b"")
    with pytest.raises(InputError, match="is not a record"):
        read_records([kept.results])


def test_an_error_is_kept_where_the_work_lies_and_forgotten_with_it(own_cache: Path) -> None:
    path = store.keep_error("key", "Traceback: zwölf")
    assert path == own_cache / "work" / "key" / "error.txt"
    assert path.read_text(encoding="utf-8") == "Traceback: zwölf"
    other = store.keep_error("other", "x")
    store.forget_work("key")
    assert not path.parent.exists()
    assert other.exists()
    store.forget_work("key")


def test_a_long_name_of_a_field_is_refused_with_its_beginning(tmp_path: Path) -> None:
    query_id = f"clinical-trial-{'x' * 285}"
    raw = json.loads(dump_record(_record()))
    raw["per_query"] = {"nDCG@10": {query_id: 2e9}}
    path = tmp_path / "r.json"
    path.write_text(json.dumps(raw))
    with pytest.raises(InputError) as refused:
        read_record(path)
    assert "(per_query.nDCG@10.clinical-trial-x" in str(refused.value)
    assert len(str(refused.value)) < 400
