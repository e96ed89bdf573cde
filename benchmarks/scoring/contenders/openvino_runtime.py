"""OpenVINO on the checkpoint, converted from torch.

The throughput hint with one stream for each core was as fast as the latency hint or faster, at
each batch size and in each number format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino

from benchmarks.scoring import pairs
from benchmarks.scoring.contenders.contract import Setup
from benchmarks.scoring.contenders.tokens import Inputs, Tokens, score_of
from rerankbench.types import Candidates


class OpenVino:
    """Pairs sorted by length, longest first, in as many requests at once as there are cores."""

    def __init__(
        self, setup: Setup, *, file: str, dtype: str, precision: str, settings: str
    ) -> None:
        """Read and compile; `precision` is OpenVINO's name for what is not quantised."""
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(setup.exports / file),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": precision,
                "PERFORMANCE_HINT": "THROUGHPUT",
                "NUM_STREAMS": str(setup.threads),
                "INFERENCE_NUM_THREADS": setup.threads,
            },
        )
        self._names = frozenset(each.get_any_name() for each in compiled.inputs)
        self._queue = openvino.AsyncInferQueue(compiled, setup.threads)
        self._tokens = Tokens(setup.model)
        self.dtype = dtype
        self.settings = f"{settings}; sorted, throughput hint, {setup.threads} streams"
        self.batch_size: int | None = 2

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """Tokenise everything, then run."""
        texts = pairs.texts(candidates)
        scores = np.zeros(len(texts), dtype=np.float32)

        # The inputs ride along, because a request reads their memory until it is done.
        def keep(request: Any, batch: tuple[list[int], Inputs]) -> None:
            scores[batch[0]] = score_of(request.get_output_tensor(0).data)

        self._queue.set_callback(keep)
        for batch in self._tokens.batches(texts, self.batch_size or 1, self._names):
            self._queue.start_async(batch[1], batch, share_inputs=True)
        self._queue.wait_all()
        found: list[float] = scores.tolist()
        return found


def float32(setup: Setup) -> OpenVino:
    """In full precision (OpenVINO's own choice would be bfloat16 where the CPU has it)."""
    return OpenVino(
        setup, file="model.xml", dtype="float32", precision="f32", settings="precision f32"
    )


def bfloat16(setup: Setup) -> OpenVino:
    """In half precision."""
    return OpenVino(
        setup, file="model.xml", dtype="bfloat16", precision="bf16", settings="precision bf16"
    )


def int8(setup: Setup) -> OpenVino:
    """Quantised by NNCF from example pairs; the rest in bfloat16."""
    settings = "NNCF int8 (SmoothQuant, 64 training pairs), rest in bf16"
    return OpenVino(
        setup, file="model.int8.xml", dtype="int8", precision="bf16", settings=settings
    )
