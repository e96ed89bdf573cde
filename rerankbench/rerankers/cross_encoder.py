"""A loaded cross-encoder: pairs in, raw logits out, whatever the memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, ScoredBatch
from rerankbench.rerankers.batching import batches, pad
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

    def __init__(self, *, ref: RerankerRef, engine: EngineRef, model: Any, tokenizer: Any) -> None:
        """Keep a model that is on its device and in evaluation mode."""
        self.ref = ref
        self.engine = engine
        self.attention_kernel: str | None = getattr(model.config, "_attn_implementation", None)
        self._model = model
        self._tokenizer = tokenizer
        self._budget = engine.batch_tokens or CPU_BATCH_TOKENS
        self._cut_queries: set[str] = set()
        self._batches = 0

    def prepare(self, job: Job) -> EncodedPairs:
        """Tokenise the pairs."""
        encoded = encode(self._tokenizer, job, int(self.ref.max_length or 512))
        self._cut_queries |= encoded.cut_queries
        return encoded

    def score(self, prepared: EncodedPairs) -> Iterator[ScoredBatch]:
        """Score length-sorted batches; when memory runs out, halve the budget and go on."""
        lengths = [len(row) for row in prepared.ids]
        queue = deque(batches(lengths, range(len(lengths)), self._budget))
        while queue:
            whole = queue.popleft()
            width = max(lengths[i] for i in whole)
            batch = [i for i in whole if i not in prepared.done]
            if not batch:
                continue
            try:
                scores = self._forward(prepared, batch, width)
            except (MemoryError, RuntimeError) as error:
                self._give_way(error, len(batch), width)
                rest = [*batch, *(i for later in queue for i in later)]
                queue = deque(batches(lengths, sorted(rest), self._budget))
                continue
            yield ScoredBatch(
                pairs=batch,
                scores=scores,
                tokens=sum(lengths[i] for i in batch),
                padded_tokens=width * len(batch),
                truncated_pairs=sum(prepared.truncated[i] for i in batch),
            )

    def warnings(self) -> Sequence[str]:
        """A halved batch budget, and queries that were cut."""
        found = []
        if self._budget != self.engine.batch_tokens:
            found.append(f"memory ran out: batches were cut to {self._budget} tokens")
        if self._cut_queries:
            found.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return found

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        import torch

        device = next(self._model.parameters()).device
        return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None

    def _forward(self, prepared: EncodedPairs, batch: Sequence[int], width: int) -> list[float]:
        """Raw float32 scores of one batch, on the host: reading them waits for the device."""
        import torch

        rows = [prepared.ids[i] for i in batch]
        padding = self._tokenizer.pad_token_id or 0
        sizes = np.array([len(row) for row in rows])
        inputs = {
            "input_ids": pad(rows, width, padding),
            "attention_mask": (np.arange(width) < sizes[:, None]).astype(np.int64),
        }
        if prepared.types is not None:
            inputs["token_type_ids"] = pad([prepared.types[i] for i in batch], width, 0)
        device = self._model.device
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(x).to(device) for name, x in inputs.items()}
            logits = self._model(**tensors).logits.float()
            scores = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
            found: list[float] = scores.cpu().tolist()
        self._tidy(device)
        return found

    def _tidy(self, device: torch.device) -> None:
        self._batches += 1
        if device.type == "cpu" and self._batches % _BATCHES_BETWEEN_TRIMS == 0:
            return_freed_memory()

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
        _empty_cuda_cache(self._model.device)


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
