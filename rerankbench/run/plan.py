"""From a config to its cells, with every name and number checked before any work."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeVar

from rerankbench.errors import ConfigError, RerankbenchError
from rerankbench.known import collections as known_collections
from rerankbench.protocols import (
    Collection,
    EngineChoice,
    FirstStage,
    LevelledCollection,
    Metric,
)
from rerankbench.registry import naming
from rerankbench.results.identity import quality_key, record_key, speed_key
from rerankbench.run import identical_ids
from rerankbench.run import models as run_models
from rerankbench.run.config import DatasetConfig, FirstStageConfig, RunConfig, threads_wanted
from rerankbench.run.given import NOTHING, Given
from rerankbench.run.models import PlannedModel
from rerankbench.types import Cell, CollectionRef, Environment, FirstStageRef, Qrels, Query

Entry = TypeVar("Entry")
Made = TypeVar("Made")

QUERY_SAMPLE_SEED = 20_231_114

# Every record has these as well, so that other tables need no new run.
ALWAYS = ("nDCG@10", "nDCG@5", "MAP", "MRR@10", "Recall@5", "Recall@10", "Recall@100", "P@10")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """One cell, and how to run it; the model's fusion joins its ranking with the first stage's.

    `plain_quality_key` is that of the same cell without a fusion.
    """

    cell: Cell
    model: PlannedModel
    choice: EngineChoice
    quality_key: str
    plain_quality_key: str
    speed_key: str

    @property
    def key(self) -> str:
        """Names the cell's record and the folder of what went wrong with it."""
        return record_key(self.quality_key, self.speed_key)

    @property
    def scores_key(self) -> str:
        """Names the journal of its scores, which cells share that differ in their fusion alone."""
        return record_key(self.plain_quality_key, self.speed_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cells that share their candidates.

    `metrics` are at the collection's level of relevance. For the queries in `own_ids` the document
    with the query's id is not a candidate; `remarks` say what was decided about the collection.
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
class GroupPlan:
    """A group whose collection was located, but not read yet."""

    collection: Collection
    drop_identical_ids: identical_ids.Setting
    relevance_level: int
    first_stage_name: str
    first_stage: FirstStage
    models: tuple[PlannedModel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that a run will do; `open_group` reads a group's collection.

    `metrics` are those of collections where grade 1 is relevant; each group has its own.
    """

    config: RunConfig
    environment: Environment
    metrics: tuple[Metric, ...]
    groups: tuple[GroupPlan, ...]


def make(
    config: RunConfig, environment: Environment, *, cuda: bool, cache: Path, given: Given = NOTHING
) -> Plan:
    """Check every name of the config; all mistakes are raised together as one ConfigError.

    Cheap checks come first. Collections are found here, but read only when their group's turn
    comes. What is `given` stands in for names.
    """
    problems: list[str] = []
    metrics = _all(problems, dict.fromkeys((*config.metrics, *ALWAYS)), naming.parse_metric)
    members = _all(problems, config.datasets, partial(_members, given))
    entries = dict.fromkeys(chain.from_iterable(members))
    collections = _all(problems, entries, partial(_open_collection, given))
    device = ("cuda" if cuda else "cpu") if config.device == "auto" else config.device
    threads = threads_wanted(environment.cores)
    models: list[PlannedModel] = _all(
        problems,
        run_models.entries(config),
        lambda entry: run_models.identify(entry, config, device, threads, given),
    )
    groups = [
        _group_plan(config, entry, collection, name, stage, models)
        for entry, collection in collections
        for name, stage in _all(
            problems, config.first_stages, partial(_open_first_stage, collection.name, cache)
        )
    ]
    if problems:
        raise ConfigError("\n".join(dict.fromkeys(problems)))
    run_models.refuse_twins(models)
    unique = {metric.name: metric for metric in metrics}
    return Plan(
        config=config,
        environment=environment,
        metrics=tuple(unique.values()),
        groups=tuple(groups),
    )


def _all(
    problems: list[str], entries: Iterable[Entry], make_one: Callable[[Entry], Made]
) -> list[Made]:
    """What `make_one` returns for each entry; errors are collected instead of raised."""
    results = []
    for entry in entries:
        try:
            results.append(make_one(entry))
        except RerankbenchError as error:
            problems.append(str(error))
    return results


def _members(given: Given, dataset: DatasetConfig) -> list[DatasetConfig]:
    """The entry, once for every collection that its name stands for."""
    if dataset.id in given.collections:
        return [dataset]
    ids = [dataset.id] if naming.is_path(dataset.id) else known_collections.expand(dataset.id)
    return [dataset.model_copy(update={"id": member}) for member in ids]


def _open_collection(given: Given, entry: DatasetConfig) -> tuple[DatasetConfig, Collection]:
    return entry, given.open_collection(entry.id, entry.split)


def _open_first_stage(
    collection_name: str, cache: Path, entry: FirstStageConfig
) -> tuple[str, FirstStage]:
    return naming.open_first_stage(entry.name, entry.arguments, collection_name, cache)


def _group_plan(
    config: RunConfig,
    entry: DatasetConfig,
    collection: Collection,
    name: str,
    stage: FirstStage,
    models: Sequence[PlannedModel],
) -> GroupPlan:
    own = entry.drop_identical_ids
    usual = collection.relevance_level if isinstance(collection, LevelledCollection) else 1
    return GroupPlan(
        collection=collection,
        drop_identical_ids=config.drop_identical_ids if own is None else own,
        relevance_level=entry.relevance_level or usual,
        first_stage_name=name,
        first_stage=stage,
        models=tuple(models),
    )


def open_group(plan: Plan, group: GroupPlan) -> Group:
    """Read the group's queries and judgments, and list its cells. Raises InputError."""
    config, collection = plan.config, group.collection
    queries, qrels = _sample(collection, config.limit_queries)
    identical = identical_ids.decide(collection, queries, group.drop_identical_ids)
    sampled = len(qrels) if len(qrels) < len(collection.qrels()) else None
    collection_ref = CollectionRef(
        name=collection.name,
        source=collection.source,
        split=collection.split,
        hashes=collection.hashes(),
        drops_identical_ids=identical.drops,
        unlike_ids_stay=identical.unlike_stay,
        relevance_level=group.relevance_level,
        sampled_queries=sampled,
        sample_seed=QUERY_SAMPLE_SEED if sampled else None,
    )
    stage_ref = FirstStageRef(name=group.first_stage_name, parameters=group.first_stage.describe())
    pairs = len(queries) * config.top_k
    cells = [
        _cell(model, model.choose_engine(pairs), collection_ref, stage_ref, plan)
        for model in group.models
    ]
    return Group(
        collection=collection,
        collection_ref=collection_ref,
        queries=queries,
        qrels=qrels,
        first_stage=group.first_stage,
        first_stage_ref=stage_ref,
        depth=config.top_k,
        adds_positives=config.always_include_positives,
        cells=tuple(cells),
        metrics=_metrics(config, group.relevance_level),
        own_ids=identical.of_queries,
        remarks=(identical.remark,) if identical.remark else (),
    )


def _metrics(config: RunConfig, level: int) -> tuple[Metric, ...]:
    """The metrics of the config and those of every record, each once."""
    metrics = [naming.parse_metric(name, level) for name in (*config.metrics, *ALWAYS)]
    return tuple({metric.name: metric for metric in metrics}.values())


def _sample(collection: Collection, limit: int | None) -> tuple[tuple[Query, ...], Qrels]:
    """All queries and qrels, or a seeded sample of the judged queries that have a text."""
    queries, qrels = tuple(collection.queries()), collection.qrels()
    if limit is None or limit >= len(queries):
        return queries, qrels
    ids = sorted(query.query_id for query in queries)
    chosen = set(random.Random(QUERY_SAMPLE_SEED).sample(ids, limit))
    sampled = tuple(query for query in queries if query.query_id in chosen)
    return sampled, {query.query_id: qrels[query.query_id] for query in sampled}


def _cell(
    model: PlannedModel,
    choice: EngineChoice,
    collection: CollectionRef,
    stage: FirstStageRef,
    plan: Plan,
) -> PlannedCell:
    config, ref = plan.config, model.ref
    if ref.role == "first-stage" and stage.name not in ("bm25", "rank-bm25"):
        ref = replace(ref, name="first stage")
    cell = Cell(
        collection=collection,
        first_stage=stage,
        depth=config.top_k,
        reranker=ref,
        engine=choice.engine,
        adds_positives=config.always_include_positives,
    )
    return PlannedCell(
        cell=cell,
        model=model,
        choice=choice,
        quality_key=quality_key(cell),
        plain_quality_key=quality_key(replace(cell, reranker=model.loadable.ref)),
        speed_key=speed_key(cell, plan.environment.machine_id),
    )
