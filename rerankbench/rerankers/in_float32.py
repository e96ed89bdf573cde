"""Lets a model compute in float32 for a while, whatever dtype its weights are in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def in_float32(model: Any) -> Iterator[None]:
    """A model whose numbers are float32 meanwhile: without rounding, only padding counts.

    Nothing is lost on the way: float32 holds every value of the smaller dtypes.
    """
    import torch

    tensors = [*model.parameters(), *model.buffers()]
    lower = [(x, x.dtype) for x in tensors if x.is_floating_point() and x.dtype != torch.float32]
    try:
        for tensor, _ in lower:
            tensor.data = tensor.data.float()
        yield
    finally:
        for tensor, dtype in lower:
            tensor.data = tensor.data.to(dtype)
