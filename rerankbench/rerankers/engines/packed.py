"""The packed engine: the pairs of a batch one after another in one row, without padding.

Attention stays within each pair: transformers calls what is registered here in place of its own
attention, and a kernel for sequences of varying lengths does the rest. Meant for GPUs; without
such a kernel (on the CPU, or in float32), pairs of equal length are attended to at once.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rerankbench.rerankers.engines.contract import Logits, TokenRows
from rerankbench.rerankers.engines.padded import peak_cuda_bytes, to_device
from rerankbench.rerankers.engines.positions import (
    SHIFTED_MODEL_TYPES,
    padding_before_positions,
    positions,
)

if TYPE_CHECKING:
    import torch

MODEL_TYPES = SHIFTED_MODEL_TYPES | {"bert", "electra", "modernbert"}
# transformers takes names with "flash", "sdpa" or "paged" for its own.
_INTERFACE = "rerankbench_packed"
_VARLEN = "varlen (flash)"
_INPUTS = ("input_ids", "position_ids", "token_type_ids")


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """The positions of the pairs in the row."""

    bounds: torch.Tensor
    """0, then the end of each pair: int32, on the device."""
    longest: int
    runs: Sequence[tuple[int, int]]
    """Neighbours of equal length: how many, and their tokens each."""


# (queries, keys, values, packing, scale, reach) → contexts. States are tokens × heads ×
# dimensions; reach is how far a token sees to either side, -1 for the whole pair.
Kernel = Callable[[Any, Any, Any, Packing, float, int], Any]


def obstacle(config: Mapping[str, Any]) -> str | None:
    """Why a model of this config cannot run packed; None where it can."""
    model_type = config.get("model_type")
    if model_type not in MODEL_TYPES:
        return f"does not know the architecture {model_type}"
    if config.get("auto_map"):
        return "does not know models that bring their own code"
    kind = config.get("position_embedding_type") or "absolute"
    if config.get("is_decoder") or kind != "absolute":
        return "knows absolute positions and encoders only"
    rotation = f"{config.get('rope_parameters')} {config.get('rope_scaling')}"
    if "dynamic" in rotation or "longrope" in rotation:
        return "does not know positions that depend on a batch's longest pair"
    if model_type == "modernbert" and metadata.version("transformers").startswith("5.0."):
        return "needs transformers 5.1 or newer for modernbert"
    return None


class PackedEngine:
    """A classifier of transformers over packed rows; its attention is replaced for good."""

    pads = False

    def __init__(self, model: Any, *, device: Any, compiled: bool = False) -> None:
        """`model` is on `device`; `obstacle` of its config is None."""
        from transformers import AttentionInterface

        config = model.config
        AttentionInterface.register(_INTERFACE, _attend)
        # Not by model.set_attn_implementation: some releases refuse ModernBERT there.
        for part in filter(lambda part: hasattr(part, "config"), model.modules()):
            part.config._attn_implementation = _INTERFACE
        head_size = config.hidden_size // config.num_attention_heads
        self.attention_kernel, self._kernel = _choose(head_size, model.dtype, device)
        self.in_flight = 1 if device.type == "cuda" else 0
        self._base = self._compile(model.base_model) if compiled else model.base_model
        self._head = _head(model)
        self._takes_mean = getattr(config, "classifier_pooling", "cls") == "mean"
        self._padding = padding_before_positions(config)
        self._device = device

    def submit(self, rows: TokenRows, width: int) -> Callable[[], Logits]:
        """Launch the forward pass without waiting for the GPU; `width` does not matter."""
        import torch

        lengths = rows.lengths
        with torch.inference_mode():
            packing = Packing(
                bounds=to_device(rows.offsets.astype(np.int32), self._device),
                longest=int(lengths.max()),
                runs=runs(lengths),
            )
            states = self._base(**self._inputs(rows), packing=packing, kernel=self._kernel)
            pooled = self._pooled(states.last_hidden_state[0], packing)
            return _on_host(self._head(pooled).float())

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        return peak_cuda_bytes(self._device)

    def _inputs(self, rows: TokenRows) -> Mapping[str, torch.Tensor]:
        columns: list[npt.NDArray[Any]] = [rows.ids, positions(rows, self._padding)]
        columns += [] if rows.types is None else [rows.types]
        # In one copy; int64, since transformers gathers by positions.
        together = to_device(np.stack(columns, dtype=np.int64)[:, None], self._device)
        return dict(zip(_INPUTS, together, strict=False))

    def _pooled(self, states: torch.Tensor, packing: Packing) -> torch.Tensor:
        """The input of the classification head: pairs × dimensions."""
        import torch

        if self._takes_mean:
            return torch.cat([run.mean(dim=1) for run in _split(states, packing)])
        return states.index_select(0, packing.bounds[:-1])

    def _compile(self, base: Any) -> Any:
        import torch

        if self.attention_kernel != _VARLEN:  # Lengths would be compiled in.
            self._kernel = torch.compiler.disable(self._kernel)  # type: ignore[no-untyped-call]
        return torch.compile(base, dynamic=True)


def runs(lengths: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """(pairs, tokens of each) of neighbours that are equally long."""
    starts = np.flatnonzero(np.diff(lengths, prepend=-1))
    counts = np.diff(starts, append=len(lengths))
    return list(zip(counts.tolist(), lengths[starts].tolist(), strict=True))


def _attend(
    module: Any, query: Any, key: Any, value: Any, mask: None, *, scaling: float, **rest: Any
) -> tuple[torch.Tensor, None]:
    """1 × heads × tokens × dimensions → 1 × tokens × heads × …; `mask` is never made."""
    window = rest.get("sliding_window")
    # transformers counts the token itself into the window (modeling_flash_attention_utils.py).
    reach = -1 if window is None else window - 1
    rows = [states[0].transpose(0, 1) for states in (query, key, value)]
    return rest["kernel"](*rows, rest["packing"], scaling, reach)[None], None


def _choose(head_size: int, dtype: torch.dtype, device: Any) -> tuple[str, Kernel]:
    """The fastest kernel that this device, dtype and installation have, after its name."""
    import torch

    # Limits of FlashAttention 2 (csrc/flash_attn/flash_api.cpp).
    fits = head_size % 8 == 0 and head_size <= 256 and dtype in (torch.float16, torch.bfloat16)
    if device.type == "cuda" and fits and torch.cuda.get_device_capability(device) >= (8, 0):
        if (function := _varlen()) is not None:
            return _VARLEN, _varying(function, "scale")
        if find_spec("flash_attn") is not None:
            function = import_module("flash_attn").flash_attn_varlen_func
            return "flash-attn", _varying(function, "softmax_scale")
    return "sdpa per length", _sdpa


def _varlen() -> Any:
    """The function that torch has; None where it is missing, or takes no windows (torch 2.10)."""
    import torch

    name = "torch.nn.attention.varlen"
    if find_spec(name) is None or not torch.backends.cuda.is_flash_attention_available():
        return None
    function = import_module(name).varlen_attn
    return function if "window_size" in inspect.signature(function).parameters else None


def _varying(function: Any, scale_argument: str) -> Kernel:
    """A kernel around a function that takes the bounds of sequences of varying lengths."""

    def run(query: Any, key: Any, value: Any, packing: Packing, scale: float, reach: int) -> Any:
        around = (packing.bounds, packing.bounds, packing.longest, packing.longest)
        options: Any = {scale_argument: scale, "window_size": (reach, reach)}
        return function(query, key, value, *around, **options)

    return run


def _sdpa(query: Any, key: Any, value: Any, packing: Packing, scale: float, reach: int) -> Any:
    """Anywhere, in any dtype: one call for each run of equally long pairs."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    contexts = []
    for run in zip(*(_split(states, packing) for states in (query, key, value)), strict=True):
        mask = _band(run[0].shape[1], reach, query.device)
        q, k, v = (states.transpose(1, 2) for states in run)
        context = scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        contexts.append(context.transpose(1, 2).flatten(0, 1))
    return torch.cat(contexts)


def _band(length: int, reach: int, device: Any) -> torch.Tensor | None:
    """Which tokens see each other; None: all of them."""
    import torch

    if reach < 0 or reach >= length - 1:
        return None
    places = torch.arange(length, device=device)
    return (places[:, None] - places).abs() <= reach


def _split(states: Any, packing: Packing) -> list[torch.Tensor]:
    """A row (tokens × …) as pairs × tokens × … for each run of equally long pairs."""
    parts = states.split([pairs * length for pairs, length in packing.runs])
    return [part.unflatten(0, run) for part, run in zip(parts, packing.runs, strict=True)]


def _head(model: Any) -> Callable[[Any], torch.Tensor]:
    """The model's own head: pooled states (pairs × dimensions) → logits."""
    if hasattr(model, "head"):  # ModernBERT
        return lambda pooled: model.classifier(model.head(pooled))
    pooler = getattr(model.base_model, "pooler", None) or (lambda first: first)
    return lambda pooled: model.classifier(pooler(pooled[:, None]))


def _on_host(logits: Any) -> Callable[[], Logits]:
    """Begin to copy; a copy begun later would also wait for the batches launched since."""
    import torch

    if not logits.is_cuda:
        return lambda: logits.numpy()
    copied = logits.to("cpu", non_blocking=True)  # into pinned memory
    done: Any = torch.cuda.current_stream(logits.device).record_event()

    def wait() -> Logits:
        done.synchronize()
        return copied.numpy()  # type: ignore[no-any-return]

    return wait
