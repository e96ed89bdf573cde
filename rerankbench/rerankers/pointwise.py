"""A loaded model that scores every pair by itself: pairs in, raw logits out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers import batch_run
from rerankbench.rerankers.engines.contract import Engine, Logits
from rerankbench.rerankers.token_check import TokenCheck, TokenIds
from rerankbench.types import EngineRef, RerankerRef


class PointwiseJob(batch_run.EncodedRows, TokenIds, Protocol):
    """All pairs of a job as token ids, in its order."""

    @property
    def cut_queries(self) -> frozenset[str]:
        """Ids of queries that were too long."""

    @property
    def truncated(self) -> npt.NDArray[np.bool_]:
        """Whether a pair's document was cut."""


def relevance(logits: Logits, label: int | None = None) -> npt.NDArray[np.float32]:
    """The logit of the only label, or of one label the log-odds against all others.

    Of two labels that is the difference of their logits. The last one is scored unless named.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    label = logits.shape[1] - 1 if label is None else label
    others = np.delete(logits, label, axis=1)
    if others.shape[1] == 1:
        return logits[:, label] - others[:, 0]
    highest = others.max(axis=1)
    rest = highest + np.log(np.exp(others - highest[:, None]).sum(axis=1))
    margins: npt.NDArray[np.float32] = (logits[:, label] - rest).astype(np.float32)
    return margins


class PointwiseReranker:
    """A loaded model whose score of a pair depends only on that pair."""

    def __init__(
        self,
        *,
        ref: RerankerRef,
        engine_ref: EngineRef,
        engine: Engine,
        encode: Callable[[Job], PointwiseJob],
        device: Any,
        check: TokenCheck | None = None,
        about: Mapping[str, str] | None = None,
        label: int | None = None,
        as_saved: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        """Keep a model that is on its device and in evaluation mode.

        Its logits are pairs × labels, read by `relevance` of one `label`. `check` is None for
        models without tables of transformers' kind. `as_saved` says that sentence-transformers'
        cross-encoder reads its files in the same way. `about` is more that `doctor` shows, `notes`
        are warnings from its files.
        """
        self.about = about or {}
        self.label, self.as_saved = label, as_saved
        self._notes = notes
        self.ref = ref
        self.engine = engine_ref
        self.attention_kernel = engine.attention_kernel
        self._run = batch_run.BatchRun(
            name=ref.name, engine=engine, engine_ref=engine_ref, device=device
        )
        self._encode = encode
        self._check = check
        self._cut_queries: set[str] = set()
        self.checks: Mapping[str, str] = {}

    def settle(self, checks: Mapping[str, str], *, alone: bool) -> None:
        """Take the outcome of a test and discard its pairs; score each pair `alone` if so."""
        self.checks = checks
        self._cut_queries.clear()
        if alone:
            self._run.pad_nothing()

    def prepare(self, job: Job) -> PointwiseJob:
        """Tokenise the pairs. Raises ModelError for what the model has no embeddings for."""
        encoded = self._encode(job)
        if self._check is not None:
            self._check.check(encoded)
        self._cut_queries |= encoded.cut_queries
        return encoded

    def score(self, prepared: PointwiseJob) -> Iterator[ScoredBatch]:
        """Score length-sorted batches."""
        for batch in self._run.run(prepared):
            yield ScoredBatch(
                pairs=batch.rows,
                scores=relevance(batch.output, self.label).tolist(),
                tokens=batch.tokens,
                padded_tokens=batch.padded_tokens,
                truncated_pairs=int(prepared.truncated[batch.rows].sum()),
            )

    def warnings(self) -> Sequence[str]:
        """Notes, a halved batch budget, and queries that were cut."""
        messages = [*self._notes, *self._run.warnings()]
        if self._cut_queries:
            messages.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return messages

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return self._run.engine.peak_device_bytes()
