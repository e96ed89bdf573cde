"""Abilities of this machine, for `rerankbench doctor`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.engines import choice, cpu

if TYPE_CHECKING:
    import torch

# A plain BERT: what every engine knows.
_BERT = {
    "model_type": "bert",
    "hidden_size": 384,
    "intermediate_size": 1536,
    "num_attention_heads": 12,
}
_SIZE = 1024
_REPEATS = 5


def engines(device: str) -> Mapping[str, str | None]:
    """Each engine with what keeps it from running a BERT on that device; None: it runs."""
    dtype = "bfloat16" if device != "cpu" or cpu.multiplies_bfloat16() else "float32"
    spec = RerankerSpec(model="", device=device, dtype=dtype)
    return {name: choice.obstacle(name, spec, _BERT) for name in choice.NAMES if name != "auto"}


def products(device: str, threads: int) -> Mapping[str, float]:
    """FLOP a second of torch's matrix product, by dtype: the best of a few of 1024 × 1024."""
    import torch

    if device == "cpu":
        torch.set_num_threads(threads)
    speeds = {}
    for name in ("float32", "bfloat16", "float16"):
        matrix = torch.ones(_SIZE, _SIZE, dtype=getattr(torch, name), device=device)
        speeds[name] = 2 * _SIZE**3 / min(_product_s(matrix) for _ in range(_REPEATS + 1))
    return speeds


def _product_s(matrix: torch.Tensor) -> float:
    start_s = time.perf_counter()
    product = matrix @ matrix
    # Reading a number waits for an accelerator.
    float(product[0, 0])
    return time.perf_counter() - start_s
