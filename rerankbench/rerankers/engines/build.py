"""From an engine's name and a loaded model to the engine itself."""

from __future__ import annotations

from typing import Any

from rerankbench.rerankers.engines.contract import Engine
from rerankbench.rerankers.engines.float32_head import keep_head_in_float32, products_as_sums
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.types import EngineRef


def build(
    ref: EngineRef,
    model: Any,
    *,
    dtype: str,
    with_types: bool,
    device: Any,
    threads: int,
    left: bool = False,
) -> Engine:
    """The engine that `ref` names, around a classifier of transformers. Raises ModelError.

    Engines that pad do so on the `left` or the right.
    """
    match ref.engine:
        case "native":
            from rerankbench.rerankers.engines.native import NativeEngine

            return NativeEngine(model, dtype=dtype, threads=threads)
        case "onnx":
            from rerankbench.rerankers.engines.exported import onnx_engine

            return onnx_engine(
                model, with_types=with_types, int8=dtype == "int8", threads=threads, left=left
            )
        case "openvino":
            from rerankbench.rerankers.engines.exported import openvino_engine

            if dtype != "float32":
                products_as_sums(model)
            return openvino_engine(
                model, with_types=with_types, dtype=dtype, threads=threads, left=left
            )
    if dtype != "float32":
        keep_head_in_float32(model)
    return _torch_engine(ref, model, device, left)


def loading_dtype(engine: str, dtype: str) -> str:
    """The dtype that weights are loaded in: these engines turn float32 into their own."""
    return "float32" if engine in ("native", "onnx", "openvino") else dtype


def eager(model: Any, device: Any, *, left: bool, forward: Any = None) -> Engine:
    """Plain torch over padded matrices; `forward` is run in place of the model."""
    from rerankbench.rerankers.engines.padded import TorchEngine

    padding = tables_of(model).filler(model.config.pad_token_id)
    return TorchEngine(model, padding=padding, device=device, forward=forward, left=left)


def _torch_engine(ref: EngineRef, model: Any, device: Any, left: bool) -> Engine:
    compiled = ref.engine == "compile"
    if device.type == "cuda":
        from rerankbench.rerankers.engines import packed

        if packed.obstacle(model.config.to_dict()) is None:
            return packed.PackedEngine(model, device=device, compiled=compiled)
    return eager(model, device, left=left, forward=_compiled(model) if compiled else None)


def _compiled(model: Any) -> Any:
    """The model as inductor compiles it, for any shape, with its weights packed beforehand."""
    import torch
    import torch._inductor.config as inductor

    inductor.freezing = True
    return torch.compile(model, dynamic=True)
