"""ONNX Runtime on an export of the checkpoint.

Batches run beside each other, one on each core, so that no thread waits for another. In float32
this was 5 to 10 % faster than one batch at a time whose multiplications are shared out; in int8
they are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime

from benchmarks.scoring import pairs
from benchmarks.scoring.contenders.contract import Setup
from benchmarks.scoring.contenders.tokens import Inputs, Tokens, score_of
from rerankbench.types import Candidates


class OnnxRuntime:
    """Pairs sorted by length, longest first, handed to whichever thread is free."""

    def __init__(self, setup: Setup, *, file: str, dtype: str, settings: str) -> None:
        """Open an exported file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(setup.exports / file), options, providers=["CPUExecutionProvider"]
        )
        self._names = frozenset(each.name for each in self._session.get_inputs())
        self._tokens = Tokens(setup.model)
        self._pool = ThreadPoolExecutor(setup.threads)
        self.dtype = dtype
        self.settings = f"{settings}; sorted, {setup.threads} batches at once"
        self.batch_size: int | None = 1

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """Tokenise everything, then run."""
        texts = pairs.texts(candidates)
        scores = np.zeros(len(texts), dtype=np.float32)

        def run(batch: tuple[list[int], Inputs]) -> None:
            indices, inputs = batch
            scores[indices] = score_of(self._session.run(None, inputs)[0])

        list(self._pool.map(run, self._tokens.batches(texts, self.batch_size or 1, self._names)))
        found: list[float] = scores.tolist()
        return found


def float32(setup: Setup) -> OnnxRuntime:
    """The export as it is: Runtime fuses attention, layer norm and GELU when it loads."""
    return OnnxRuntime(setup, file="model.onnx", dtype="float32", settings="eager export")


def int8(setup: Setup) -> OnnxRuntime:
    """Weights in int8 a channel, activations quantised as they come."""
    return OnnxRuntime(
        setup, file="model.int8.onnx", dtype="int8", settings="dynamic int8, per channel"
    )
