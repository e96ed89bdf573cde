"""Rows that every reranker is read against: the first stage's order, the best, and chance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rerankbench.protocols import EngineChoice, Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers.recipe import Recipe, read
from rerankbench.types import Candidates, EngineRef, Qrels, RerankerRef, Role

_NO_ENGINE = EngineRef(engine="none", device="none")

RANDOM_SEED = 0

# Scores of one query's candidates; the judgments are for the oracle.
Order = Callable[[Candidates, Qrels], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A reranker that reads no text; it is its own factory, found and loaded at once."""

    ref: RerankerRef
    order: Order
    engine: EngineRef = _NO_ENGINE
    attention_kernel: str | None = None
    scores_documents: bool = False

    def identify(self, spec: RerankerSpec) -> Baseline:
        """Itself. Raises UsageError for a recipe, of which it has none."""
        read(spec, Recipe)
        return self

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """None is needed."""
        return EngineChoice(engine=self.engine)

    def load(self, engine: EngineRef) -> Baseline:
        """There is nothing to load."""
        return self

    def prepare(self, job: Job) -> Job:
        """There is nothing to prepare."""
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        """One batch a query."""
        for candidates, pairs in zip(prepared.candidates, prepared.pairs(), strict=True):
            if not prepared.done.issuperset(pairs):
                yield ScoredBatch(pairs=pairs, scores=self.order(candidates, prepared.qrels))

    def warnings(self) -> Sequence[str]:
        """Nothing can go wrong."""
        return ()

    def peak_device_bytes(self) -> int | None:
        """No device is used."""
        return None


def _baseline(name: str, role: Role, order: Order, order_name: str = "") -> Baseline:
    order_name = order_name or role
    ref = RerankerRef(
        name=name, family="baseline", revision=order_name, recipe={"order": order_name}, role=role
    )
    return Baseline(ref=ref, order=order)


def _first_stage_scores(candidates: Candidates, qrels: Qrels) -> Sequence[float]:
    return candidates.scores


def _best_scores(candidates: Candidates, qrels: Qrels) -> Sequence[float]:
    """Grades decide, the first stage's order breaks ties; scores count down to 1, so none tie."""
    grades = qrels.get(candidates.query.query_id, {})
    documents = candidates.documents
    best_first = sorted(
        range(len(documents)), key=lambda i: (-grades.get(documents[i].doc_id, 0), i)
    )
    scores = [0.0] * len(documents)
    for rank, i in enumerate(best_first):
        scores[i] = float(len(documents) - rank)
    return scores


def _random_scores(candidates: Candidates, qrels: Qrels) -> Sequence[float]:
    """Uniform in [0, 1), from a hash of seed, query and document: the same on every machine."""
    keys = (
        f"{RANDOM_SEED}\0{candidates.query.query_id}\0{document.doc_id}"
        for document in candidates.documents
    )
    return [
        (int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 11) / 2**53 for key in keys
    ]


first_stage_order = _baseline("bm25", "first-stage", _first_stage_scores)
oracle = _baseline("oracle", "oracle", _best_scores)
random_order = _baseline("random", "random", _random_scores, f"random-{RANDOM_SEED}")
