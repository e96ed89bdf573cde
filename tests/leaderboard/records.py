"""Records made to measure: what a test does not name is usual and equal everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rerankbench.leaderboard import build as builder
from rerankbench.leaderboard import publish as publisher
from rerankbench.leaderboard.layout import Layout
from rerankbench.leaderboard.table import Table
from rerankbench.results.record_set import RecordSet
from rerankbench.results.store import SCHEMA
from rerankbench.types import (
    Cell,
    CollectionHashes,
    CollectionRef,
    EngineRef,
    Environment,
    FirstStageRef,
    Latency,
    Measurements,
    Price,
    Reads,
    Record,
    RerankerRef,
    Role,
    Throughput,
)


def build(records: Sequence[Record], layout: Layout) -> list[Table]:
    """The tables of records that have no files beside them."""
    return builder.build(RecordSet(records), layout)


def publish(records: Sequence[Record], layout: Layout, format_name: str) -> str:
    """The text for records that have no files beside them."""
    return publisher.publish(RecordSet(records), layout, format_name)


def throughput(docs_per_s: float) -> Throughput:
    """A pass of one second over that many pairs."""
    return Throughput(
        queries=1,
        pairs=int(docs_per_s),
        tokens=0,
        padded_tokens=0,
        truncated_pairs=0,
        warmup_passes_s=(),
        passes_s=(1.0,),
    )


def role_of(family: str, recipe: Mapping[str, str]) -> Role:
    """What a row of that family is; the recipe of a baseline names its order."""
    if family == "imported":
        return "imported"
    if family != "baseline":
        return "model"
    order = recipe.get("order", "first-stage")
    return "first-stage" if order == "first-stage" else "oracle"


def make_record(
    reranker: str = "model",
    metrics: Mapping[str, float | Sequence[float]] | None = None,
    *,
    collection: str = "scifact",
    docs_per_s: float | None = None,
    requests_s: Sequence[float] = (),
    parameters: int | None = None,
    family: str = "sequence-classification",
    first_stage: str = "bm25",
    first_stage_parameters: Mapping[str, str | float] | None = None,
    depth: int = 100,
    sampled_queries: int | None = None,
    dtype: str | None = "float32",
    device: str = "cpu",
    machine: str = "machine-a",
    gpu: str | None = None,
    started_at: str = "2026-01-01T00:00:00+00:00",
    warnings: Sequence[str] = (),
    suite: str = "default",
    recipe: Mapping[str, str] | None = None,
    reads: Reads = "pairs",
    price: Price | None = None,
    adds_positives: bool = False,
) -> Record:
    """A record; a metric given as one number is one query with that value."""
    means = {"nDCG@10": 0.5} if metrics is None else metrics
    cell = Cell(
        collection=CollectionRef(
            name=collection,
            source=f"beir/{collection}",
            split="test",
            hashes=CollectionHashes(corpus=f"{collection}-c", queries="q", qrels="j"),
            sampled_queries=sampled_queries,
            sample_seed=None if sampled_queries is None else 0,
        ),
        first_stage=FirstStageRef(
            name=first_stage, parameters=first_stage_parameters or {"k1": 0.9, "b": 0.4}
        ),
        depth=depth,
        reranker=RerankerRef(
            name=reranker,
            family=family,
            revision="1",
            parameters=parameters,
            dtype=dtype,
            recipe=recipe or ({"order": "first-stage"} if family == "baseline" else {}),
            role=role_of(family, recipe or {}),
            reads=reads,
            price=price,
        ),
        engine=EngineRef(engine="torch", device=device),
        adds_positives=adds_positives,
    )
    return Record(
        schema=SCHEMA,
        suite=suite,
        quality_key=f"{collection}/{first_stage}/{depth}/{reranker}/{dtype}{'+' * adds_positives}",
        speed_key=f"{device}/{machine}",
        cell=cell,
        environment=_environment(machine, gpu),
        started_at=started_at,
        per_query={name: _per_query(value) for name, value in means.items()},
        queries_without_results=0,
        scored_pairs=100,
        truncated_pairs=0,
        run_sha256="0",
        measurements=Measurements(
            throughput=None if docs_per_s is None else throughput(docs_per_s),
            latency=Latency(
                requests_s=tuple(requests_s), pairs_per_request=(100,) * len(requests_s)
            )
            if requests_s
            else None,
        ),
        warnings=tuple(warnings),
    )


def first_stage_record(
    value: float, *, collection: str = "scifact", sampled_queries: int | None = None
) -> Record:
    """The first stage's own order."""
    return make_record(
        "bm25",
        {"nDCG@10": value},
        family="baseline",
        dtype=None,
        collection=collection,
        sampled_queries=sampled_queries,
    )


def _per_query(value: float | Sequence[float]) -> dict[str, float]:
    values = [value] if isinstance(value, int | float) else value
    return {f"q{number}": one for number, one in enumerate(values)}


def _environment(machine: str, gpu: str | None) -> Environment:
    return Environment(
        machine_id=machine,
        cpu="Test CPU",
        cores=8,
        memory_bytes=2**34,
        gpu=gpu,
        gpu_memory_bytes=None,
        system="Linux",
        python="3.11",
        packages={},
        git_sha=None,
    )
