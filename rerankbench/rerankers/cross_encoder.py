"""A loaded cross-encoder: pairs in, raw logits out, whatever the memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers.batching import batches
from rerankbench.rerankers.engines.contract import Engine, Logits
from rerankbench.rerankers.host_memory import return_freed_memory
from rerankbench.rerankers.pair_encoding import EncodedPairs, encode
from rerankbench.types import EngineRef, RerankerRef

if TYPE_CHECKING:
    import torch

# Padded tokens in one batch: a GPU wants to be filled.
CPU_BATCH_TOKENS = 16384
CUDA_BATCH_TOKENS = 65536
# Batches of ever new shapes scatter the freed memory; after so many of them it is given back.
_BATCHES_BETWEEN_TRIMS = 16


class CrossEncoder:
    """A loaded cross-encoder."""

    def __init__(
        self,
        *,
        ref: RerankerRef,
        engine_ref: EngineRef,
        engine: Engine,
        tokenizer: Any,
        device: Any,
    ) -> None:
        """Keep a model that is on its device and in evaluation mode."""
        self.ref = ref
        self.engine = engine_ref
        self.attention_kernel = engine.attention_kernel
        self._engine = engine
        self._tokenizer = tokenizer
        self._device = device
        self._budget = engine_ref.batch_tokens or CPU_BATCH_TOKENS
        self._cut_queries: set[str] = set()
        self._batches = 0

    def prepare(self, job: Job) -> EncodedPairs:
        """Tokenise the pairs."""
        encoded = encode(self._tokenizer, job, int(self.ref.max_length or 512))
        self._cut_queries |= encoded.cut_queries
        return encoded

    def score(self, prepared: EncodedPairs) -> Iterator[ScoredBatch]:
        """Score length-sorted batches; when memory runs out, halve the budget and go on."""
        lengths = prepared.lengths
        queue = deque(batches(lengths, range(len(lengths)), self._budget))
        under_way: deque[_Batch] = deque()
        while queue:
            whole = queue.popleft()
            width = int(lengths[whole].max())
            pairs = [i for i in whole if i not in prepared.done]
            if not pairs:
                continue
            try:
                logits = self._engine.submit(prepared.rows(pairs), width)
            except (MemoryError, RuntimeError) as error:
                self._give_way(error, len(pairs), width)
                rest = [*pairs, *(i for later in queue for i in later)]
                queue = deque(batches(lengths, sorted(rest), self._budget))
                continue
            under_way.append(_Batch(pairs, width, logits))
            while len(under_way) > self._engine.in_flight:
                yield self._finish(under_way.popleft(), prepared)
        while under_way:
            yield self._finish(under_way.popleft(), prepared)

    def warnings(self) -> Sequence[str]:
        """An engine that gave way, a halved batch budget, and queries that were cut."""
        found = [] if self.engine.warning is None else [self.engine.warning]
        if self._budget != self.engine.batch_tokens:
            found.append(f"memory ran out: batches were cut to {self._budget} tokens")
        if self._cut_queries:
            found.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return found

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return self._engine.peak_device_bytes()

    def _finish(self, batch: _Batch, prepared: EncodedPairs) -> ScoredBatch:
        logits = batch.logits()
        scores = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
        tokens = int(prepared.lengths[batch.pairs].sum())
        self._batches += 1
        if self._device.type == "cpu" and self._batches % _BATCHES_BETWEEN_TRIMS == 0:
            return_freed_memory()
        return ScoredBatch(
            pairs=batch.pairs,
            scores=scores.tolist(),
            tokens=tokens,
            padded_tokens=batch.width * len(batch.pairs) if self._engine.pads else tokens,
            truncated_pairs=int(prepared.truncated[batch.pairs].sum()),
        )

    def _give_way(self, error: Exception, pairs: int, width: int) -> None:
        """Halve the token budget after a lack of memory; anything else is raised again."""
        if not _is_out_of_memory(error):
            raise error
        if pairs == 1:
            raise ModelError(
                f"{self.ref.name}: memory does not suffice for one pair of {width} tokens; "
                "lower --max-length or use a smaller dtype"
            ) from error
        self._budget = max(1, min(self._budget, pairs * width) // 2)
        _empty_cuda_cache(self._device)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Pairs that were handed to the engine, which `logits` waits for."""

    pairs: list[int]
    width: int
    logits: Callable[[], Logits]


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    # CPU allocations fail as plain RuntimeErrors with this text (c10/core/impl/alloc_cpu.cpp).
    lacking = ("DefaultCPUAllocator", "can't allocate memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        text in str(error) for text in lacking
    )


def _empty_cuda_cache(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
