"""Engines that take padded matrices: plain torch, compiled torch, ONNX Runtime, OpenVINO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from rerankbench.rerankers.engines.contract import Logits, TokenRows

Inputs = Mapping[str, npt.NDArray[np.int64]]


def inputs(rows: TokenRows, width: int, padding: int, *, left: bool = False) -> Inputs:
    """What a model of transformers takes, pairs × `width`, padded on the right or the left.

    Rows that tell the places of their texts have two masks more, 1 at a text's tokens; that of
    the queries ends with the last column that has one.
    """
    padded = {
        "input_ids": rows.padded(rows.ids, width, padding, left=left),
        "attention_mask": rows.mask(width, left=left).astype(np.int64),
    }
    if rows.types is not None:
        padded["token_type_ids"] = rows.padded(rows.types, width, 0, left=left)
    if rows.places is not None:
        shift = width - rows.lengths[:, None] if left else 0
        places = rows.places + shift
        padded["query_mask"] = _between(places[:, :2], int(places[:, 1].max(initial=0)))
        padded["document_mask"] = _between(places[:, 2:], width)
    return padded


def _between(places: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.int64]:
    """1 from a row's first place up to its second, else 0."""
    columns = np.arange(width)
    return ((columns >= places[:, :1]) & (columns < places[:, 1:])).astype(np.int64)


class HostEngine:
    """A runtime on the CPU behind one call: numpy in, numpy logits out.

    As many batches run beside each other as there are threads: no thread waits for another.
    """

    pads = True

    def __init__(
        self,
        call: Callable[[Inputs], Logits],
        *,
        padding: int,
        attention_kernel: str | None,
        threads: int,
        left: bool = False,
    ) -> None:
        """`call` takes padded inputs, on one core, from any thread.

        Rows are filled up with `padding`, on the `left` or the right.
        """
        self.attention_kernel = attention_kernel
        # One more than can run, so that a thread that is done finds its next batch.
        self.in_flight = threads
        self._call = call
        self._padding = padding
        self._left = left
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="engine")

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Hand a batch to the next free thread; the returned call waits for its logits."""
        matrices = inputs(rows, width, self._padding, left=self._left)
        return self._pool.submit(self._call, matrices).result

    def peak_device_bytes(self) -> int | None:
        """None: there is no accelerator."""
        return None


class TorchEngine:
    """A torch module on any device, eager or compiled."""

    pads = True

    def __init__(
        self, model: Any, *, padding: int, device: Any, forward: Any = None, left: bool = False
    ) -> None:
        """`model` is of transformers and on `device`; `forward` is run in its place.

        It takes matrices padded with `padding`, on the `left` or the right, and returns what has
        `logits`, pairs × labels.
        """
        self.attention_kernel: str | None = getattr(model.config, "_attn_implementation", None)
        self.in_flight = 1 if device.type == "cuda" else 0
        self._forward = model if forward is None else forward
        self._padding = padding
        self._left = left
        self._device = device

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Launch the forward pass; on a GPU it goes on while the next batch is made ready."""
        import torch

        with torch.inference_mode():
            tensors = {
                name: to_device(matrix, self._device)
                for name, matrix in inputs(rows, width, self._padding, left=self._left).items()
            }
            logits = self._forward(**tensors).logits.float()
        return lambda: logits.cpu().numpy()

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return peak_cuda_bytes(self._device)


def to_device(array: npt.NDArray[Any], device: Any) -> Any:
    """A tensor on the device; towards a GPU the copy does not wait."""
    import torch

    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def peak_cuda_bytes(device: Any) -> int | None:
    """Most GPU memory that torch reserved since the process began; None on the CPU."""
    import torch

    return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None
