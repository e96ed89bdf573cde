"""The contracts of the four kinds of plug-in: collections, first stages, rerankers, metrics.

A plug-in module is imported only when its name is asked for (`registry`), and must itself import
heavy packages (torch, transformers, bm25s, ir_datasets) inside the functions that need them.
"""

from __future__ import annotations

from collections.abc import Collection as Group
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Protocol, TypeVar, runtime_checkable

from rerankbench.progress import Progress
from rerankbench.types import (
    Candidates,
    CollectionHashes,
    Document,
    EngineRef,
    Json,
    Qrels,
    Query,
    Ranking,
    RerankerRef,
    Run,
)


@runtime_checkable
class Collection(Protocol):
    """Documents, queries and judgments of one split. Raises InputError for what cannot be read.

    Opening one is cheap and checks that its files exist; contents are read when asked for.
    Optional abilities: `SharedIds`, `LevelledCollection`.
    """

    name: str
    """As tables show it: `scifact`, `demo`."""
    source: str
    """How the user named it: an id, or the folder's name."""
    split: str
    drops_identical_ids: bool
    """Whether a document with the query's id is dropped before the cut (ArguAna, Quora)."""

    def hashes(self) -> CollectionHashes:
        """Content hashes of corpus, the split's queries and qrels; memoised where slow."""

    def documents(self) -> Iterator[Document]:
        """Every document once, in the collection's order, read as it goes."""

    def document_count(self) -> int | None:
        """How many documents there are, where that is known without reading them all."""

    def queries(self) -> Sequence[Query]:
        """The queries of the split that have qrels, in the collection's order."""

    def qrels(self) -> Qrels:
        """Judgments of the split; a query id without text stays (it counts, and scores 0)."""

    def lookup(self, doc_ids: Group[str]) -> Mapping[str, Document]:
        """The named documents, as far as they exist, without holding the others in memory."""

    def warnings(self) -> Sequence[str]:
        """What was found odd while reading so far: unknown ids, empty texts."""


@runtime_checkable
class SharedIds(Protocol):
    """A collection that knows which of its queries have the id of a document."""

    def identical_ids(self) -> Mapping[str, bool]:
        """Ids that a query and a document share → whether their texts are the same, too."""


@runtime_checkable
class LevelledCollection(Protocol):
    """A collection whose lowest grade that counts as relevant is known; it is 1 for others."""

    @property
    def relevance_level(self) -> int:
        """For measures that know only relevant or not."""


class FirstStage(Protocol):
    """Gives every query its candidates. Optional ability: `FirstStageWarnings`."""

    def describe(self) -> Mapping[str, Json]:
        """Everything that decides the ranking: parameters, flavour, or the hash of a run file."""

    def retrieve(
        self, collection: Collection, queries: Sequence[Query], depth: int, *, progress: Progress
    ) -> Sequence[Ranking]:
        """One ranking per query, in the order of `queries`, at most `depth` hits each."""


@runtime_checkable
class FirstStageWarnings(Protocol):
    """A first stage that found something odd."""

    def warnings(self) -> Sequence[str]:
        """What records made with it should say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Pairs to score: pair i is the i-th document in the concatenation of all candidates.

    Pairs whose index is in `done` need no score. `qrels` are for the oracle alone.
    """

    candidates: Sequence[Candidates]
    qrels: Qrels = field(default_factory=dict)
    done: frozenset[int] = frozenset()

    @property
    def starts(self) -> list[int]:
        """The index of every query's first pair, and behind the last how many pairs there are."""
        sizes = (len(candidates.documents) for candidates in self.candidates)
        return list(accumulate(sizes, initial=0))

    def pairs(self) -> Iterator[range]:
        """The indices of every query's pairs."""
        return map(range, self.starts, self.starts[1:])


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBatch:
    """Scores that came back together: `pairs` are indices into the job, one raw score each.

    For services only: `searches` are billed searches, `failed_attempts_s` the seconds of every
    attempt that failed and was repeated, with the wait after it. `lost_s` is how much of the wall
    time so far those attempts cost, beyond what earlier batches of the job reported: attempts that
    failed side by side, or while others went on, cost less than the sum of their seconds.
    `answers` counts what a model that writes its answers wrote for them: `ok`, or what was wrong.
    """

    pairs: Sequence[int]
    scores: Sequence[float]
    tokens: int = 0
    padded_tokens: int = 0
    truncated_pairs: int = 0
    searches: float = 0.0
    failed_attempts_s: Sequence[float] = ()
    lost_s: float = 0.0
    answers: Mapping[str, int] = field(default_factory=dict)


Prepared = TypeVar("Prepared")


class Reranker(Protocol[Prepared]):
    """A loaded reranker; its work comes in two steps so that the model can be timed alone.

    What it makes of a job in the first step, `Prepared`, is its own; `Reranker[Any]` is any.

    Where a score depends on the query's other candidates, `ref.reads` is `lists`: then a batch
    holds whole lists, a list counts as done only as a whole, and no score is kept by pair. Where
    it is `documents-once`, a job holds all pairs of the collection, however many they are.

    Optional abilities: `RerankerFacts`; of what `prepare` gives: `MarkedPairs`, `MarkedQueries`.
    """

    ref: RerankerRef
    engine: EngineRef
    attention_kernel: str | None

    def prepare(self, job: Job) -> Prepared:
        """Tokenise (or otherwise ready) the pairs; nothing is kept from earlier calls."""

    def score(self, prepared: Prepared) -> Iterator[ScoredBatch]:
        """Score what `prepare` returned, batch by batch, leaving out what is done.

        Which pairs share a batch depends on the candidates alone, not on what is done: a
        resumed job gives the very scores of an unbroken one.

        Scores are raw (before any sigmoid), float32, higher is more relevant, and on the host when
        yielded.
        """

    def warnings(self) -> Sequence[str]:
        """What happened that the record should tell: a batch budget halved, a query cut."""

    def peak_device_bytes(self) -> int | None:
        """Most accelerator memory held since loading; None on CPU."""


@runtime_checkable
class RerankerFacts(Protocol):
    """A reranker that says more about itself, each a name → a value in words."""

    @property
    def about(self) -> Mapping[str, str]:
        """Facts that `doctor` shows, such as the tokeniser's class."""

    @property
    def checks(self) -> Mapping[str, str]:
        """What the reranker tried on itself when it was loaded, for the record."""


@runtime_checkable
class MarkedPairs(Protocol):
    """Prepared pairs of which it is known whether their document was cut."""

    @property
    def truncated(self) -> Sequence[Any]:
        """One truth value a pair, in the job's order."""


@runtime_checkable
class MarkedQueries(Protocol):
    """Prepared pairs of which it is known whether their query was cut."""

    @property
    def cut_queries(self) -> Group[str]:
        """The ids of the queries that were cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankerSpec:
    """What the user asked for; None leaves the choice to the model or the machine.

    `family` and `recipe` (its settings) stand in for what the model's files tell.
    """

    model: str
    name: str | None = None
    family: str | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    revision: str | None = None
    trust_remote_code: bool = False
    device: str = "cpu"
    dtype: str | None = None
    engine: str = "auto"
    threads: int | None = None
    batch_tokens: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineChoice:
    """How a reranker will be run, why so, and a warning where another engine was asked for."""

    engine: EngineRef
    reason: str | None = None
    warning: str | None = None


class LoadableReranker(Protocol):
    """A reranker that was found and identified; only its weights are not read yet."""

    @property
    def ref(self) -> RerankerRef:
        """What will be run."""

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """How a job of about so many pairs will be run.

        The number may decide the engine, never the scores.
        """

    def load(self, engine: EngineRef) -> Reranker[Any]:
        """Load the weights, to be run as chosen. Raises ModelError."""


class RerankerFactory(Protocol):
    """How a reranker is found and identified."""

    def identify(self, spec: RerankerSpec) -> LoadableReranker:
        """What will be run, read from the files alone, without torch. Raises ModelError."""

    scores_documents: bool
    """False for the baselines, whose speed means nothing."""


class Metric(Protocol):
    """One measure of ranking quality, named as users write it: `nDCG@10`.

    Optional abilities: `LevelledMetric`, `GradedMetric`, `ProvidedMetric`.
    """

    name: str

    def per_query(self, qrels: Qrels, run: Run) -> Mapping[str, float]:
        """A value per query of the qrels; those without results score 0 (trec_eval's `-c`)."""


@runtime_checkable
class LevelledMetric(Metric, Protocol):
    """A metric that knows documents only as relevant or not, from some grade on."""

    def at_level(self, level: int) -> Metric:
        """The same from another grade on, under the name `NAME(rel=level)@k`."""


@runtime_checkable
class GradedMetric(Metric, Protocol):
    """A metric that says whether it counts the grades themselves, so that no level decides."""

    @property
    def is_graded(self) -> bool:
        """Whether it does."""


class MetricProvider(Protocol):
    """Computes several of its metrics in one pass over the judgments and the run."""

    def per_query(
        self, metrics: Sequence[Any], qrels: Qrels, run: Run
    ) -> Mapping[str, Mapping[str, float]]:
        """Name of each metric → what its own `per_query` gives; `metrics` are all this one's."""


@runtime_checkable
class ProvidedMetric(Metric, Protocol):
    """A metric that is best computed together with others of its provider."""

    @property
    def provider(self) -> MetricProvider:
        """Equal for metrics that go together."""
