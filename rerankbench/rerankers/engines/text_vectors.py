"""The engine of models that read one text at a time: tokens in, vectors or their scores out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.rerankers.engines.padded import peak_cuda_bytes, to_device

if TYPE_CHECKING:
    import torch

Task: TypeAlias = Literal["query", "document"]
Output: TypeAlias = Literal["sentence_embedding", "token_embeddings"]
Reduce: TypeAlias = "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"
"""What is made of vectors (rows × … × dimensions) and of which tokens count (rows × width)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRows(TokenRows):
    """Texts of one task; `attended` says how many of each one's tokens attention sees."""

    task: Task
    attended: npt.NDArray[np.int64]
    reduce: Reduce


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Which tokens take part in a score, by their ids.

    `filled` lets the tokens count that fill up a query. Skipped ids do not count in their tasks;
    of a document, where `keep_only` is not empty, nothing else does.
    """

    filled: bool = False
    skip: Sequence[int] = ()
    skip_tasks: Sequence[str] = ()
    keep_only: Sequence[int] = ()


class TextVectors:
    """A torch encoder and the steps after it, on any device."""

    pads = True

    def __init__(
        self,
        model: Any,
        *,
        head: Callable[[dict[str, Any]], None],
        output: Output,
        padding: int,
        device: Any,
        prompt_lengths: Mapping[Task, int],
        counting: Counting,
        dimensions: int | None = None,
    ) -> None:
        """`model` is of transformers and on `device`; `head` writes `output` in float32.

        Of pooled vectors only the first `dimensions` are kept, if a number is given.
        """
        self.attention_kernel: str | None = getattr(model.config, "_attn_implementation", None)
        self.in_flight = 1 if device.type == "cuda" else 0
        self._model = model
        self._head = head
        self._output: Output = output
        self._padding = padding
        self._device = device
        self._prompt_lengths = prompt_lengths
        self._counting = counting
        self._dimensions = dimensions

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Launch the forward pass; the returned call waits for what the rows' `reduce` made."""
        import torch

        assert isinstance(rows, TextRows), "rows of single texts"
        attended = np.arange(width) < rows.attended[:, None]
        with torch.inference_mode():
            ids = to_device(rows.padded(rows.ids, width, self._padding), self._device)
            present = to_device(rows.mask(width), self._device)
            seen = to_device(attended, self._device)
            hidden = self._model(input_ids=ids, attention_mask=seen.long()).last_hidden_state
            features = {
                "token_embeddings": hidden.float(),
                "attention_mask": seen,
                "prompt_length": self._prompt_lengths[rows.task],
            }
            self._head(features)
            vectors = features[self._output][..., : self._dimensions]
            counts = self._count(ids, seen, present, rows.task)
            reduced = rows.reduce(vectors, counts)
        return lambda: reduced.cpu().numpy()

    def _count(
        self, ids: torch.Tensor, seen: torch.Tensor, present: torch.Tensor, task: Task
    ) -> torch.Tensor:
        """Rows × width: true for a token whose vector takes part in a score."""
        import torch

        counting = self._counting
        counted = present if counting.filled and task == "query" else seen
        if counting.skip and task in counting.skip_tasks:
            counted = counted & ~torch.isin(ids, torch.tensor(counting.skip, device=ids.device))
        if counting.keep_only and task == "document":
            counted = counted & torch.isin(
                ids, torch.tensor(counting.keep_only, device=ids.device)
            )
        return counted

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return peak_cuda_bytes(self._device)
