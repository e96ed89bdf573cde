"""From a config to the cells it asks for, with every name and number checked before any work."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from rerankbench.errors import ConfigError, RerankbenchError
from rerankbench.known import collections as known_collections
from rerankbench.protocols import Collection, FirstStage, Metric, RerankerFactory, RerankerSpec
from rerankbench.registry import naming
from rerankbench.results.identity import quality_key, record_key, speed_key
from rerankbench.run import identical_ids
from rerankbench.run import models as run_models
from rerankbench.run.config import DatasetConfig, FirstStageConfig, RunConfig, threads_wanted
from rerankbench.run.fusion import Fusion
from rerankbench.run.models import AskedModel
from rerankbench.types import Cell, CollectionRef, Environment, FirstStageRef, Qrels, Query

QUERY_SAMPLE_SEED = 20_231_114

# Every record holds these besides what was asked for, so that other tables need no new run.
ALWAYS = ("nDCG@10", "nDCG@5", "MAP", "MRR@10", "Recall@5", "Recall@10", "Recall@100", "P@10")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """One cell, and how to run it; `fusion` joins its ranking with the first stage's."""

    cell: Cell
    factory: RerankerFactory
    spec: RerankerSpec
    quality_key: str
    speed_key: str
    fusion: Fusion | None = None

    @property
    def key(self) -> str:
        """Names the cell's record and its work folder."""
        return record_key(self.quality_key, self.speed_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The cells that share their candidates.

    `metrics` are at the collection's level of relevance. For the queries in `own_ids` the document
    with the query's id is no candidate; `remarks` say what was decided about the collection.
    """

    collection: Collection
    collection_ref: CollectionRef
    queries: tuple[Query, ...]
    qrels: Qrels
    first_stage: FirstStage
    first_stage_ref: FirstStageRef
    depth: int
    adds_positives: bool
    cells: tuple[PlannedCell, ...]
    metrics: tuple[Metric, ...]
    own_ids: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a run will do; opening a group reads its collection.

    `metrics` are those of collections where grade 1 is relevant; each group has its own.
    """

    config: RunConfig
    metrics: tuple[Metric, ...]
    groups: tuple[Callable[[], Group], ...]


def make(config: RunConfig, environment: Environment, *, cuda: bool, cache: Path) -> Plan:
    """Check every name of the config; all mistakes are raised together as one ConfigError.

    Cheap checks come first. Collections are opened here, but read only when their group's turn
    comes.
    """
    problems: list[str] = []
    metrics = _all(problems, dict.fromkeys((*config.metrics, *ALWAYS)), naming.parse_metric)
    entries = dict.fromkeys(chain.from_iterable(_all(problems, config.datasets, _members)))
    collections = _all(problems, entries, partial(_open, config))
    device = ("cuda" if cuda else "cpu") if config.device == "auto" else config.device
    threads = threads_wanted(environment.cores)
    models = _all(
        problems,
        run_models.entries(config),
        lambda m: run_models.identify(m, config, device, threads),
    )
    stages = [
        (asked, stage)
        for asked in collections
        for stage in _all(
            problems,
            config.first_stages,
            partial(_open_first_stage, asked.collection.name, cache),
        )
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    run_models.refuse_twins(models)
    unique = {metric.name: metric for metric in metrics}
    groups = tuple(
        partial(_group, config, asked, name, stage, models, environment)
        for asked, (name, stage) in stages
    )
    return Plan(config=config, metrics=tuple(unique.values()), groups=groups)


def _open_first_stage(
    collection_name: str, cache: Path, entry: FirstStageConfig
) -> tuple[str, FirstStage]:
    return naming.open_first_stage(entry.name, entry.arguments, collection_name, cache)


def _all(problems: list[str], items: Any, make_one: Callable[[Any], Any]) -> list[Any]:
    """What `make_one` gives for each item; complaints are gathered instead of raised."""
    found = []
    for item in items:
        try:
            found.append(make_one(item))
        except RerankbenchError as error:
            problems.append(str(error))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _AskedCollection:
    """A collection that was opened, and how the config wants it to be taken."""

    collection: Collection
    drop_identical_ids: identical_ids.Setting
    relevance_level: int


def _members(dataset: DatasetConfig) -> list[DatasetConfig]:
    """The entry, once for every collection that its name stands for."""
    ids = [dataset.id] if naming.is_path(dataset.id) else known_collections.expand(dataset.id)
    return [dataset.model_copy(update={"id": each}) for each in ids]


def _open(config: RunConfig, entry: DatasetConfig) -> _AskedCollection:
    collection = naming.open_collection(entry.id, entry.split)
    own = entry.drop_identical_ids
    usual: int = getattr(collection, "relevance_level", 1)
    return _AskedCollection(
        collection=collection,
        drop_identical_ids=config.drop_identical_ids if own is None else own,
        relevance_level=entry.relevance_level or usual,
    )


def _group(
    config: RunConfig,
    asked: _AskedCollection,
    name: str,
    stage: FirstStage,
    models: Sequence[AskedModel],
    environment: Environment,
) -> Group:
    collection = asked.collection
    queries, qrels = _sample(collection, config.limit_queries)
    own = identical_ids.decide(collection, queries, asked.drop_identical_ids)
    sampled = len(qrels) if len(qrels) < len(collection.qrels()) else None
    collection_ref = CollectionRef(
        name=collection.name,
        source=collection.source,
        split=collection.split,
        hashes=collection.hashes(),
        drops_identical_ids=own.drops,
        unlike_ids_stay=own.unlike_stay,
        relevance_level=asked.relevance_level,
        sampled_queries=sampled,
        sample_seed=QUERY_SAMPLE_SEED if sampled else None,
    )
    stage_ref = FirstStageRef(name=name, parameters=stage.describe())
    pairs = len(queries) * config.top_k
    cells = [
        _cell(run_models.sized(model, pairs), collection_ref, stage_ref, config, environment)
        for model in models
    ]
    return Group(
        collection=collection,
        collection_ref=collection_ref,
        queries=queries,
        qrels=qrels,
        first_stage=stage,
        first_stage_ref=stage_ref,
        depth=config.top_k,
        adds_positives=config.always_include_positives,
        cells=tuple(cells),
        metrics=_metrics(config, asked.relevance_level),
        own_ids=own.of_queries,
        remarks=(own.remark,) if own.remark else (),
    )


def _metrics(config: RunConfig, level: int) -> tuple[Metric, ...]:
    """Those of the config and those that every record holds, each once."""
    found = [naming.parse_metric(each, level) for each in (*config.metrics, *ALWAYS)]
    return tuple({metric.name: metric for metric in found}.values())


def _sample(collection: Collection, limit: int | None) -> tuple[tuple[Query, ...], Qrels]:
    """All queries and qrels, or a seeded sample of the judged queries that have a text."""
    queries, qrels = tuple(collection.queries()), collection.qrels()
    if limit is None or limit >= len(queries):
        return queries, qrels
    ids = sorted(query.query_id for query in queries)
    chosen = set(random.Random(QUERY_SAMPLE_SEED).sample(ids, limit))
    kept = tuple(query for query in queries if query.query_id in chosen)
    return kept, {query.query_id: qrels[query.query_id] for query in kept}


def _cell(
    model: AskedModel,
    collection: CollectionRef,
    stage: FirstStageRef,
    config: RunConfig,
    environment: Environment,
) -> PlannedCell:
    ref = model.ref
    if ref.recipe.get("order") == "first-stage" and stage.name not in ("bm25", "rank-bm25"):
        ref = replace(ref, name="first stage")
    cell = Cell(
        collection=collection,
        first_stage=stage,
        depth=config.top_k,
        reranker=ref,
        engine=model.engine,
        adds_positives=config.always_include_positives,
    )
    return PlannedCell(
        cell=cell,
        factory=model.factory,
        spec=model.spec,
        quality_key=quality_key(cell),
        speed_key=speed_key(cell, environment.machine_id),
        fusion=model.fusion,
    )
