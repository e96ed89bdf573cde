"""Running an engine over token rows in length-sorted batches, whatever the memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from rerankbench.errors import ModelError
from rerankbench.rerankers.batching import batches
from rerankbench.rerankers.engines.choice import CPU_BATCH_TOKENS
from rerankbench.rerankers.engines.contract import Engine, TokenRows
from rerankbench.rerankers.host_memory import return_freed_memory
from rerankbench.types import EngineRef

if TYPE_CHECKING:
    import torch

# Batches of ever new shapes scatter the freed memory; after so many of them it is given back.
_BATCHES_BETWEEN_TRIMS = 16


class EncodedRows(Protocol):
    """Texts or pairs as token ids, in the order of their job. Those in `done` need no run."""

    @property
    def done(self) -> frozenset[int]:
        """Rows that need no run."""

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row."""

    def rows(self, chosen: Sequence[int]) -> TokenRows:
        """The named rows put together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedBatch:
    """The result of one batch: rows of the job, the engine's output for each, and sizes."""

    rows: list[int]
    output: npt.NDArray[np.float32]
    tokens: int
    padded_tokens: int


class BatchRun:
    """An engine and the token budget of its batches, which shrinks where memory does not do."""

    def __init__(self, *, name: str, engine: Engine, engine_ref: EngineRef, device: Any) -> None:
        """`name` is the model's, for messages."""
        self.name = name
        self.engine = engine
        self._asked = engine_ref.batch_tokens
        self._budget = engine_ref.batch_tokens or CPU_BATCH_TOKENS
        self._device = device
        self._batches = 0
        self._alone = False

    def pad_nothing(self) -> None:
        """From now on one row at a time: padding would change what comes out."""
        self._alone = True
        self._asked = self._budget = 1

    def run(self, encoded: EncodedRows) -> Iterator[FinishedBatch]:
        """Every row that is not done; when memory runs out, halve the budget and go on."""
        lengths = encoded.lengths
        queue = deque(batches(lengths, range(len(lengths)), self._budget))
        under_way: deque[_Batch] = deque()
        while queue:
            whole = queue.popleft()
            width = int(lengths[whole].max())
            rows = [i for i in whole if i not in encoded.done]
            if not rows:
                continue
            try:
                output = self.engine.submit(encoded.rows(rows), width)
            except (MemoryError, RuntimeError, IndexError, TypeError, ValueError) as error:
                self._give_way(error, len(rows), width)
                rest = [*rows, *(i for later in queue for i in later)]
                queue = deque(batches(lengths, sorted(rest), self._budget))
                continue
            under_way.append(_Batch(rows, width, output))
            while len(under_way) > self.engine.in_flight:
                yield self._finish(under_way.popleft(), lengths)
        while under_way:
            yield self._finish(under_way.popleft(), lengths)

    def warnings(self) -> Sequence[str]:
        """A halved batch budget, or none at all."""
        if self._alone:
            return ["padding changes this model's scores: each text or pair was read alone"]
        if self._budget == (self._asked or CPU_BATCH_TOKENS):
            return []
        return [f"memory ran out: batches were cut to {self._budget} tokens"]

    def _finish(self, batch: _Batch, lengths: npt.NDArray[np.int64]) -> FinishedBatch:
        output = batch.output()
        tokens = int(lengths[batch.rows].sum())
        self._batches += 1
        if self._device.type == "cpu" and self._batches % _BATCHES_BETWEEN_TRIMS == 0:
            return_freed_memory()
        padded = batch.width * len(batch.rows) if self.engine.pads else tokens
        return FinishedBatch(rows=batch.rows, output=output, tokens=tokens, padded_tokens=padded)

    def _give_way(self, error: Exception, rows: int, width: int) -> None:
        """Halve the token budget after a lack of memory; anything else is the model's fault.

        Its code fails on settings that fit the files but not each other. Raises ModelError.
        """
        if not is_out_of_memory(error):
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"{self.name}: its code fails while it scores ({reason:.150}); check its "
                "config.json and tokeniser, or try another --engine"
            ) from error
        if rows == 1:
            raise ModelError(
                f"{self.name}: memory does not suffice for one pair of {width} tokens; "
                "lower --max-length or use a smaller dtype"
            ) from error
        self._budget = max(1, min(self._budget, rows * width) // 2)
        empty_cuda_cache(self._device)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows that were handed to the engine, which `output` waits for."""

    rows: list[int]
    width: int
    output: Callable[[], npt.NDArray[np.float32]]


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error is a lack of memory of the host or the device."""
    import torch

    # CPU allocations fail as plain RuntimeErrors with this text (c10/core/impl/alloc_cpu.cpp).
    lacking = ("DefaultCPUAllocator", "can't allocate memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        text in str(error) for text in lacking
    )


def empty_cuda_cache(device: torch.device) -> None:
    """Release GPU memory that torch holds without using it."""
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
