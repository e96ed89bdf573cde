"""The loop that everyone writes: transformers, batches of 32 in the order given."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring import pairs
from benchmarks.scoring.contenders.contract import Setup
from rerankbench.types import Candidates

_BATCH_SIZE = 32


class Loop:
    """Each batch padded to its longest pair, nothing sorted."""

    batch_size: int | None = None

    def __init__(self, setup: Setup, dtype: str) -> None:
        """Load the checkpoint in a number format."""
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        torch.set_num_threads(setup.threads)
        self._tokenizer = AutoTokenizer.from_pretrained(setup.model)
        self._model = AutoModelForSequenceClassification.from_pretrained(
            setup.model, dtype=getattr(torch, dtype)
        ).eval()
        self.dtype = dtype
        self.settings = "batches of 32, unsorted"

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """Batch by batch; two labels count as their difference."""
        import torch

        texts, scores = pairs.texts(candidates), []
        for start in range(0, len(texts), _BATCH_SIZE):
            batch = texts[start : start + _BATCH_SIZE]
            inputs = self._tokenizer(
                [query for query, _ in batch],
                [document for _, document in batch],
                padding=True,
                truncation=True,
                return_tensors="pt",
            )
            with torch.inference_mode():
                logits = self._model(**inputs).logits.float()
            scores += (logits[:, -1] - (logits[:, 0] if logits.shape[1] == 2 else 0)).tolist()
        return scores


def float32(setup: Setup) -> Loop:
    """In full precision."""
    return Loop(setup, "float32")


def bfloat16(setup: Setup) -> Loop:
    """In half precision."""
    return Loop(setup, "bfloat16")
