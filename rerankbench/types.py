"""The values that travel between the rooms: frozen, slotted, keyword-only.

Units live in names (`passes_s` is seconds). Raw values are stored; statistics are derived from
them, so that a better statistic can be applied to old records. `Count`, `Seconds` and their like
say what a number may be: that is checked where a record is read, and costs nothing elsewhere.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from statistics import fmean, median
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from annotated_types import Ge, Le, Predicate


def _is_date(text: str) -> bool:
    try:
        return (
            date.fromisoformat(text if len(text) > 7 else f"{text}-01").isoformat()[: len(text)]
            == text
        )
    except ValueError:
        return False


def _is_currency(text: str) -> bool:
    return re.fullmatch("[A-Z]{3}", text) is not None


Json: TypeAlias = "str | bool | int | float | tuple[str, ...] | None"
"""What a plug-in may say of itself in a record: flat, so that keys and diffs stay readable."""
Qrels: TypeAlias = Mapping[str, Mapping[str, int]]
"""query_id → {doc_id: grade}."""
Run: TypeAlias = Mapping[str, Mapping[str, float]]
"""query_id → {doc_id: score}: what trec_eval evaluates."""
Count: TypeAlias = Annotated[int, Ge(0), Le(2**63 - 1)]
"""How many; what has more is no number of documents, tokens or bytes."""
Positive: TypeAlias = Annotated[int, Ge(1), Le(2**63 - 1)]
"""How many of what figures are divided by."""
Amount: TypeAlias = Annotated[float, Ge(0.0), Le(1e15)]
"""How much, in parts too."""
Per: TypeAlias = Annotated[float, Ge(1e-9), Le(1e15)]
"""For how many units something holds."""
Seconds: TypeAlias = Annotated[float, Ge(0.0), Le(1e9)]
"""A time that was waited; thirty years at most."""
Duration: TypeAlias = Annotated[float, Ge(1e-9), Le(1e9)]
"""A time that figures are divided by: nothing takes less than a nanosecond."""
Value: TypeAlias = Annotated[float, Ge(-1e9), Le(1e9)]
"""A metric's value of one query; far beyond those that are known, so that means stay finite."""
Share: TypeAlias = Annotated[float, Ge(0.0), Le(1.0)]
"""A part of a whole."""
Date: TypeAlias = Annotated[str, Predicate(_is_date)]
"""YYYY-MM-DD, or YYYY-MM."""
Currency: TypeAlias = Annotated[str, Predicate(_is_currency)]
"""Three capital letters, as in USD."""
Role: TypeAlias = Literal["model", "first-stage", "oracle", "random", "imported"]
"""A row's part: a model, one of three to read models against, or another tool's run."""
Reads: TypeAlias = Literal["pairs", "lists", "documents-once"]
"""What a reranker reads at once: a pair, a query with all its candidates, or each text alone."""
Scale: TypeAlias = Literal["logit", "cosine", "rank"]
"""What its scores are: any numbers, cosines (−1 to 1), or places in a list, counted downwards."""
KEY_VERSION = 1
"""Raise when the meaning of an equal key changes: old records then no longer count as done."""
PriceUnit: TypeAlias = Literal["token", "search", "hour"]
"""What a price counts: tokens read, searches (requests) answered, or hours of the machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a collection; `title` is empty where the collection has none."""

    doc_id: str
    title: str
    text: str

    @property
    def content(self) -> str:
        """What rerankers and first stages read: BEIR's `(title + " " + text).strip()`."""
        return f"{self.title} {self.text}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query; its text is used as it stands."""

    query_id: str
    text: str


class Hit(NamedTuple):
    """A document and its score for one query; higher is more relevant.

    A tuple, since there are millions of them: one is made several times as fast as a
    dataclass.
    """

    doc_id: str
    score: float


def slug(name: str) -> str:
    """How collections are matched: `TREC_COVID`, `trec-covid` and `trec/covid` are the same."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def digest(value: Any) -> str:
    """16 hex digits that depend on a JSON value alone, not on the order of its keys."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def as_float32(scores: Iterable[float]) -> list[float]:
    """Each score as the nearest float32; beyond its range as an infinity.

    pytrec_eval holds scores in 32 bits, so what differs by less ties. Every order, cut and count
    of ties goes by these values, so that they agree with the metrics.
    """
    return array("f", scores).tolist()


def _levelled(hit: Hit, single: float) -> Hit:
    """With the score as float32, unless that is infinite, which no run file can hold."""
    return hit if math.isinf(single) else Hit(doc_id=hit.doc_id, score=single)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One query's hits, score falling."""

    query_id: str
    hits: tuple[Hit, ...]

    @classmethod
    def sort(cls, query_id: str, hits: Iterable[Hit]) -> Ranking:
        """Order as trec_eval does: score falling, ties by doc_id falling (form_res_rels.c).

        Scores are compared as float32, as the metrics see them. Those that tie though they differ
        beyond that become equal, so that whoever compares more digits finds the same order.
        """
        listed = tuple(hits)
        single = as_float32(hit.score for hit in listed)
        if len(set(single)) < len({hit.score for hit in listed}):
            listed = tuple(map(_levelled, listed, single))
        ordered = sorted(
            zip(single, (hit.doc_id for hit in listed), listed, strict=True), reverse=True
        )
        return cls(query_id=query_id, hits=tuple(hit for _, _, hit in ordered))

    def scores(self) -> dict[str, float]:
        """doc_id → score."""
        return {hit.doc_id: hit.score for hit in self.hits}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What a reranker reorders: one query, at most `depth` documents in first-stage order.

    `scores` are the first stage's, one a document; empty where no first stage gave them.
    """

    query: Query
    documents: tuple[Document, ...]
    scores: tuple[float, ...] = ()

    def ranking(self) -> Ranking:
        """The first stage's ranking. Raises ValueError where there are no scores."""
        doc_ids = (document.doc_id for document in self.documents)
        hits = tuple(map(Hit._make, zip(doc_ids, self.scores, strict=True)))
        return Ranking(query_id=self.query.query_id, hits=hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateLists:
    """The candidates of every query, and what was odd in finding them."""

    candidates: tuple[Candidates, ...]
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> CandidateCounts | None:
        """How many candidates the queries have; None without queries."""
        sizes = [len(each.documents) for each in self.candidates]
        if not sizes:
            return None
        return CandidateCounts(least=min(sizes), median=float(median(sizes)), most=max(sizes))


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionHashes:
    """Content hashes of a collection's three parts; equal content has equal hashes."""

    corpus: str
    queries: str
    qrels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRef:
    """Which collection a cell used; `sampled_queries` is None when all of them ran.

    `drops_identical_ids`: documents with their query's id are dropped before the cut; where
    `unlike_ids_stay`, only those whose text is the query's. `relevance_level` is the lowest grade
    that counts as relevant there in metrics that know only relevant or not.
    """

    name: str
    source: str
    split: str
    hashes: CollectionHashes
    drops_identical_ids: bool = False
    unlike_ids_stay: bool = False
    relevance_level: Count = 1
    sampled_queries: Count | None = None
    sample_seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstStageRef:
    """Which first stage a cell used, with every parameter that decides its ranking."""

    name: str
    parameters: Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What using a reranker costs: `amount` of `currency` for every `per` units, as of `date`.

    The date is a day or a month; None where a list of prices states none.
    """

    amount: Amount
    unit: PriceUnit
    per: Per
    date: Date | None
    currency: Currency = "USD"

    @property
    def text(self) -> str:
        """The price in words: `0.05 USD per 1M tokens (2026-11)`, `2 USD per hour`."""
        plural = {"token": "tokens", "search": "searches", "hour": "hours"}[self.unit]
        per = f"{self.per:,.0f}" if self.per.is_integer() else f"{self.per:g}"
        units = {1.0: self.unit, 1e6: f"1M {plural}"}.get(self.per, f"{per} {plural}")
        date = f" ({self.date})" if self.date else ""
        return f"{self.amount:g} {self.currency} per {units}{date}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerRef:
    """Which reranker a cell used, with all that decides its scores.

    `revision` is a hub commit or the hash of a local folder's files; `parameters` counts weights
    and is None for what is no model. `recipe` says in words how it scores: it is part of the
    quality key and for people to read, while what the program acts on are the fields. `fusion` is
    how its ranking was joined with the first stage's, None where it was not. `price` is what the
    config said; it is part of no key.
    """

    name: str
    family: str
    revision: str
    parameters: Count | None = None
    dtype: str | None = None
    max_length: Count | None = None
    recipe: Mapping[str, Json] = field(default_factory=dict)
    price: Price | None = None
    role: Role = "model"
    reads: Reads = "pairs"
    scale: Scale = "logit"
    fusion: str | None = None

    @property
    def scores_lists(self) -> bool:
        """Whether a score depends on the query's other candidates: then none is kept by pair."""
        return self.reads == "lists"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineRef:
    """How the reranker was run: what may change speed but not the ranking."""

    engine: str
    device: str
    batch_tokens: Count | None = None
    threads: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskKey:
    """What cells must share so that their metrics compare; tables, judges and gates go by it.

    Keys are ordered by their facts, read as text.
    """

    collection: str
    split: str
    content: CollectionHashes
    drops_identical_ids: bool
    unlike_ids_stay: bool
    sampled_queries: int | None
    sample_seed: int | None
    first_stage: str
    first_stage_parameters: str
    depth: int
    adds_positives: bool

    @classmethod
    def of(cls, cell: Cell) -> TaskKey:
        """The task of a cell: the collection goes by its slug, parameters are sorted JSON."""
        collection = cell.collection
        return cls(
            collection=slug(collection.name),
            split=collection.split,
            content=collection.hashes,
            drops_identical_ids=collection.drops_identical_ids,
            unlike_ids_stay=collection.unlike_ids_stay,
            sampled_queries=collection.sampled_queries,
            sample_seed=collection.sample_seed,
            first_stage=cell.first_stage.name,
            first_stage_parameters=json.dumps(cell.first_stage.parameters, sort_keys=True),
            depth=cell.depth,
            adds_positives=cell.adds_positives,
        )

    @property
    def facts(self) -> dict[str, str]:
        """Name of each fact → its value, as people read them."""
        identical = "dropped with equal texts" if self.unlike_ids_stay else "dropped"
        sample = f"{self.sampled_queries} of seed {self.sample_seed}"
        content = self.content
        return {
            "collection": self.collection,
            "split": self.split,
            "content": f"{content.corpus} {content.queries} {content.qrels}",
            "identical ids": identical if self.drops_identical_ids else "kept",
            "queries": "all" if self.sampled_queries is None else sample,
            "first stage": self.first_stage,
            "first-stage parameters": self.first_stage_parameters,
            "depth": str(self.depth),
            "missed positives": "added" if self.adds_positives else "not added",
        }

    def __lt__(self, other: TaskKey) -> bool:
        return tuple(self.facts.values()) < tuple(other.facts.values())

    @property
    def identity(self) -> dict[str, Any]:
        """What candidates and judgments come from. The collection's name and split are no part."""
        identity = {
            "version": KEY_VERSION,
            "collection": asdict(self.content),
            "drops_identical_ids": self.drops_identical_ids,
            "sample": [self.sampled_queries, self.sample_seed],
            "first_stage": [self.first_stage, json.loads(self.first_stage_parameters)],
            "depth": self.depth,
        }
        # Only where it is so: keys of cells without them stay what they were.
        if self.unlike_ids_stay:
            identity["unlike_ids_stay"] = True
        if self.adds_positives:
            identity["adds_positives"] = True
        return identity

    @property
    def digest(self) -> str:
        """Names the files of the task: its candidates and judgments, and what judges answered."""
        return digest(self.identity)


class _TaskOnce:
    """Keeps the task of a cell beside its fields, so that it is worked out once."""

    __slots__ = ("_task",)

    _task: TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(_TaskOnce):
    """One square of the leaderboard.

    `adds_positives` says that relevant documents which the first stage missed were put behind its
    candidates: a figure for models alone, which no search could reach.
    """

    collection: CollectionRef
    first_stage: FirstStageRef
    depth: Count
    reranker: RerankerRef
    engine: EngineRef
    adds_positives: bool = False

    @property
    def task(self) -> TaskKey:
        """What it must share with cells whose metrics it is compared with."""
        try:
            return self._task
        except AttributeError:
            object.__setattr__(self, "_task", TaskKey.of(self))
            return self._task


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput:
    """Offline scenario: all pairs of a sample of queries known at once, one time a pass.

    `model_passes_s` are passes with the tokens ready. `padded_tokens` counts real and padding
    tokens together. `searches` are what a service bills by the search, 0 for local models.
    """

    queries: Positive
    pairs: Positive
    tokens: Count
    padded_tokens: Count
    truncated_pairs: Count
    warmup_passes_s: tuple[Seconds, ...]
    passes_s: tuple[Duration, ...]
    model_passes_s: tuple[Duration, ...] = ()
    energy_j: tuple[Amount, ...] = ()
    searches: Amount = 0.0

    @property
    def docs_per_s(self) -> float:
        """Pairs per second of the median pass."""
        return self.pairs / median(self.passes_s)

    @property
    def model_docs_per_s(self) -> float | None:
        """The same with tokenising left out; None where it was not measured."""
        return self.pairs / median(self.model_passes_s) if self.model_passes_s else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Single-stream scenario: one query with its `pairs_per_request` documents at a time."""

    requests_s: tuple[Duration, ...]
    pairs_per_request: tuple[Count, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What speed and memory one cell needed; None where it was not measured.

    `foreign_load` is how many cores other processes kept busy meanwhile. `failed_attempts_s` has
    the seconds, waiting included, of every attempt in which a service failed meanwhile; no other
    time contains them.
    """

    throughput: Throughput | None = None
    latency: Latency | None = None
    peak_host_bytes: Count | None = None
    peak_device_bytes: Count | None = None
    attention_kernel: str | None = None
    foreign_load: Amount | None = None
    failed_attempts_s: tuple[Seconds, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """How far a cell's headline metric depends on the order of equal scores.

    `rate` is the share of neighbouring hits with equal scores; `worst` and `best` bound the metric
    over all orders of the ties.
    """

    rate: Share
    worst: Value
    best: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Facts about machine and packages; under an equal `machine_id` speeds may be compared."""

    machine_id: str
    cpu: str
    cores: Count
    memory_bytes: Count
    gpu: str | None
    gpu_memory_bytes: Count | None
    system: str
    python: str
    packages: Mapping[str, str]
    git_sha: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateCounts:
    """How many candidates the queries of a cell had: the fewest, the median, the most."""

    least: Count
    median: Amount
    most: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One finished cell: what was run, where, and every raw value.

    `per_query` is metric → {query_id: value} over all queries with qrels; those without results
    hold 0. `checks` tell what the reranker was tried for when it was loaded, and the outcome.
    `candidates` are counted by query, which may have fewer than the cell's depth; None in records
    from before they were counted.
    """

    schema: int
    suite: str
    quality_key: str
    speed_key: str
    cell: Cell
    environment: Environment
    started_at: str
    per_query: Mapping[str, Mapping[str, Value]]
    queries_without_results: Count
    scored_pairs: Count
    truncated_pairs: Count
    run_sha256: str
    ties: Ties | None = None
    candidates: CandidateCounts | None = None
    measurements: Measurements = field(default_factory=Measurements)
    warnings: tuple[str, ...] = ()
    checks: Mapping[str, str] = field(default_factory=dict)

    @property
    def task(self) -> TaskKey:
        """What it must share with records that it is compared with."""
        return self.cell.task

    def mean(self, metric: str) -> float | None:
        """Mean over all queries with qrels; None where the metric was not computed."""
        values = self.per_query.get(metric)
        return fmean(values.values()) if values else None
