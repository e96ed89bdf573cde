"""A loaded model that encodes queries and documents apart: each text once, pairs by vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers.batch_run import BatchRun, FinishedBatch
from rerankbench.rerankers.embedding.similarity import pairwise
from rerankbench.rerankers.embedding.text_encoding import EncodedTexts
from rerankbench.rerankers.engines.contract import Engine
from rerankbench.rerankers.engines.text_vectors import Reduce, Task, TextRows
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef

_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedJob:
    """A job's distinct queries and documents, and which of each a pair has.

    `query_of` and `document_of` are one place a pair; `pending` is false for pairs that are done.
    """

    queries: EncodedTexts
    documents: EncodedTexts
    query_of: _Indices
    document_of: _Indices
    pending: npt.NDArray[np.bool_]

    @property
    def truncated(self) -> npt.NDArray[np.bool_]:
        """Whether a pair's document was cut."""
        return self.documents.truncated[self.document_of]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """Texts for the engine, and how their vectors are reduced."""

    texts: EncodedTexts
    task: Task
    done: frozenset[int]
    reduce: Callable[[Sequence[int]], Reduce]

    @property
    def lengths(self) -> _Indices:
        """Tokens of each text."""
        return self.texts.lengths

    def rows(self, chosen: Sequence[int]) -> TextRows:
        """The named texts put together."""
        rows = self.texts.rows(chosen)
        return TextRows(
            ids=rows.ids,
            types=None,
            offsets=rows.offsets,
            task=self.task,
            attended=self.texts.attended[list(chosen)],
            reduce=self.reduce(chosen),
        )


class EmbeddingReranker:
    """A loaded model whose documents are encoded once, however many pairs they are in."""

    def __init__(
        self,
        *,
        ref: RerankerRef,
        engine_ref: EngineRef,
        engine: Engine,
        encode_queries: Callable[[Sequence[str]], EncodedTexts],
        encode_documents: Callable[[Sequence[str]], EncodedTexts],
        check: TokenCheck,
        similarity: str,
        device: Any,
        notes: Sequence[str] = (),
        about: Mapping[str, str] | None = None,
    ) -> None:
        """`engine` takes `TextRows`; `notes` are told with the warnings, `about` by `doctor`."""
        self.ref = ref
        self.engine = engine_ref
        self.attention_kernel = engine.attention_kernel
        self._run = BatchRun(name=ref.name, engine=engine, engine_ref=engine_ref, device=device)
        self._encode_queries = encode_queries
        self._encode_documents = encode_documents
        self._check = check
        self._similarity = similarity
        self._device = device
        self.about = about or {}
        self._notes = notes
        self._cut_queries: set[str] = set()
        self.checks: Mapping[str, str] = {}

    def settle(self, checks: Mapping[str, str], *, alone: bool) -> None:
        """Keep what a trial found and forget its texts; read each text `alone` if so."""
        self.checks = checks
        self._cut_queries.clear()
        if alone:
            self._run.pad_nothing()

    def prepare(self, job: Job) -> EncodedJob:
        """Tokenise every distinct query and every distinct document.

        Raises ModelError for what the model has no embeddings for.
        """
        query_texts = [candidates.query.text for candidates in job.candidates]
        query_at = {text: i for i, text in enumerate(dict.fromkeys(query_texts))}
        pairs = [document for candidates in job.candidates for document in candidates.documents]
        # Not by content, which would be a copy of every text.
        documents = {(candidates.title, candidates.text): candidates for candidates in pairs}
        document_at = {key: i for i, key in enumerate(documents)}
        depths = [len(candidates.documents) for candidates in job.candidates]
        pending = np.ones(len(pairs), dtype=bool)
        pending[list(job.done)] = False
        queries = self._encode_queries(list(query_at))
        texts = self._encode_documents([candidates.content for candidates in documents.values()])
        for encoded in (queries, texts):
            self._check.check(encoded)
        self._cut_queries |= {
            candidates.query.query_id
            for candidates in job.candidates
            if queries.truncated[query_at[candidates.query.text]]
        }
        return EncodedJob(
            queries=queries,
            documents=texts,
            query_of=np.repeat(
                np.array([query_at[text] for text in query_texts], np.int64), depths
            ),
            document_of=np.array(
                [document_at[candidates.title, candidates.text] for candidates in pairs], np.int64
            ),
            pending=pending,
        )

    def score(self, prepared: EncodedJob) -> Iterator[ScoredBatch]:
        """Encode the queries, then batches of documents, each with the scores of its pairs."""
        queries, tokens, padded_tokens = self._query_vectors(prepared)
        pairs_of, truncated = _pairs_by_document(prepared), prepared.truncated
        documents = _Texts(
            texts=prepared.documents,
            task="document",
            done=_unneeded(prepared.documents, prepared.document_of, prepared.pending),
            reduce=partial(self._scoring, prepared, pairs_of, queries),
        )
        for batch in self._run.run(documents):
            pairs = np.concatenate([pairs_of[document] for document in batch.rows])
            yield ScoredBatch(
                pairs=pairs.tolist(),
                scores=batch.output.tolist(),
                tokens=tokens + batch.tokens,
                padded_tokens=padded_tokens + batch.padded_tokens,
                truncated_pairs=int(truncated[pairs].sum()),
            )
            # The queries' tokens count once, in the first batch.
            tokens = padded_tokens = 0

    def _query_vectors(self, prepared: EncodedJob) -> tuple[Any, int, int]:
        """The vectors of all queries that are needed, on the device; real and padded tokens."""
        import torch

        texts = _Texts(
            texts=prepared.queries,
            task="query",
            done=_unneeded(prepared.queries, prepared.query_of, prepared.pending),
            reduce=lambda _chosen: _counting_only,
        )
        found = list(self._run.run(texts))
        vectors = torch.from_numpy(_stacked(found, len(prepared.queries.lengths)))
        return (
            vectors.to(self._device),
            sum(batch.tokens for batch in found),
            sum(batch.padded_tokens for batch in found),
        )

    def _scoring(
        self,
        prepared: EncodedJob,
        pairs_of: Sequence[_Indices],
        queries: Any,
        chosen: Sequence[int],
    ) -> Reduce:
        """Vectors of the chosen documents → the scores of their pairs, document by document."""
        import torch

        pairs = [pairs_of[document] for document in chosen]
        sizes = [len(each) for each in pairs]
        of_query = torch.from_numpy(prepared.query_of[np.concatenate(pairs)]).to(self._device)
        of_document = torch.from_numpy(np.repeat(np.arange(len(chosen)), sizes)).to(self._device)

        def reduce(documents: Any, counts: Any) -> Any:
            places = of_query, of_document
            return pairwise(self._similarity, queries, documents, counts, places)

        return reduce

    def warnings(self) -> Sequence[str]:
        """A halved batch budget, notes, and queries that were cut."""
        messages = [*self._run.warnings(), *self._notes]
        if self._cut_queries:
            messages.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return messages

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return self._run.engine.peak_device_bytes()


def _counting_only(vectors: Any, counts: Any) -> Any:
    """Vectors of tokens that do not count become zero: they then add nothing to a sum."""
    return vectors if vectors.ndim == 2 else vectors * counts[..., None]


def _unneeded(
    texts: EncodedTexts, text_of: _Indices, pending: npt.NDArray[np.bool_]
) -> frozenset[int]:
    """Texts none of whose pairs needs a score."""
    return frozenset(range(len(texts.lengths))) - set(text_of[pending].tolist())


def _pairs_by_document(prepared: EncodedJob) -> list[_Indices]:
    """Which pairs each document is in, in the job's order, as far as they need a score."""
    order = np.argsort(prepared.document_of, kind="stable")
    order = order[prepared.pending[order]]
    count = len(prepared.documents.lengths)
    sizes = np.bincount(prepared.document_of[order], minlength=count)
    return np.split(order, np.cumsum(sizes)[:-1])


def _stacked(batches: Sequence[FinishedBatch], count: int) -> npt.NDArray[np.float32]:
    """The batches' vectors in the order of their texts; zero if there is none."""
    if not batches:
        return np.zeros((count, 0), dtype=np.float32)
    shapes = np.array([batch.output.shape[1:] for batch in batches])
    stacked = np.zeros((count, *shapes.max(axis=0)), dtype=np.float32)
    for batch in batches:
        if stacked.ndim == 2:
            stacked[batch.rows] = batch.output
        else:
            stacked[batch.rows, : batch.output.shape[1]] = batch.output
    return stacked
