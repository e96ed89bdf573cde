"""Engines that run an exported graph on the CPU: ONNX Runtime and OpenVINO.

The model is exported when it is loaded, into a folder that is gone afterwards: an exported file
that outlives its source would be one more thing that can be stale.
"""

from __future__ import annotations

import ast
import logging
import threading
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from rerankbench.errors import ModelError, StorageError
from rerankbench.files.partials import folder_beside
from rerankbench.files.whole import cache_home
from rerankbench.rerankers.engines.contract import Logits
from rerankbench.rerankers.engines.float32_head import head_modules
from rerankbench.rerankers.engines.padded import HostEngine, Inputs
from rerankbench.rerankers.engines.tables import tables_of


def onnx_engine(
    model: Any, *, with_types: bool, int8: bool, threads: int, left: bool = False
) -> HostEngine:
    """ONNX Runtime, in float32 or with weights and activations of products in dynamic int8.

    Raises ModelError for a model that cannot be exported.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    with _passing_folder() as folder:
        path = folder / "model.onnx"
        with _quiet(model, "onnx"):
            _export_onnx(model, path, with_types)
            if int8:
                path = _quantise(path, head=head_modules(model))
            session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
    names = [node.name for node in session.get_inputs()]

    def call(inputs: Inputs) -> Logits:
        logits: Logits = session.run(None, {name: inputs[name] for name in names})[0]
        return logits

    return _host_engine(model, call, "onnxruntime", threads, left)


def openvino_engine(
    model: Any, *, with_types: bool, dtype: str, threads: int, left: bool = False
) -> HostEngine:
    """OpenVINO in float32 or bfloat16. Raises ModelError for a model that cannot be exported."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": {"float32": "f32", "bfloat16": "bf16"}[dtype],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": threads,
    }
    own = threading.local()
    with _quiet(model, "openvino"):
        graph = openvino.convert_model(_LogitsOnly(model), example_input=_example(with_types))
        compiled = openvino.Core().compile_model(graph, "CPU", settings)
    names = [node.get_any_name() for node in compiled.inputs]

    def call(inputs: Inputs) -> Logits:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        logits = own.request.infer([inputs[name] for name in names])[0]
        return np.array(logits, dtype=np.float32)

    return _host_engine(model, call, "openvino", threads, left)


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A folder of the cache, where the next export clears what a killed one left."""
    try:
        with folder_beside(cache_home() / "exports" / "onnx") as folder:
            yield folder
    except OSError as error:
        raise StorageError(
            f"{cache_home() / 'exports'}: cannot be written ({error.strerror or error}); "
            "free space or set RERANKBENCH_HOME"
        ) from error


def _host_engine(
    model: Any, call: Callable[[Inputs], Logits], kernel: str, threads: int, left: bool
) -> HostEngine:
    padding = tables_of(model).filler(model.config.pad_token_id)
    return HostEngine(call, padding=padding, attention_kernel=kernel, threads=threads, left=left)


def _export_onnx(model: Any, path: Path, with_types: bool) -> None:
    import torch

    example = _example(with_types)
    free = torch.export.Dim.DYNAMIC
    torch.onnx.export(
        _LogitsOnly(model),
        (),
        str(path),
        kwargs=example,
        dynamic_shapes={name: {0: free, 1: free} for name in example},
        dynamo=True,
        verbose=False,
    )


def _quantise(path: Path, head: Collection[str]) -> Path:
    """All products in int8 but those of the named modules, which make the logits."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # The exporter's notes on inner shapes contradict what the quantiser infers anew.
    graph, unnoted, quantised = (
        onnx.load(path),
        path.with_name("f32.onnx"),
        path.with_name("q.onnx"),
    )
    graph.graph.ClearField("value_info")
    onnx.save(graph, unnoted)
    scopes = {f"model.{name}" for name in head}
    exact = [node.name for node in graph.graph.node if _scopes(node) & scopes]
    quantize_dynamic(
        unnoted,
        quantised,
        weight_type=QuantType.QInt8,
        # Seven bits: without VNNI instructions, sums of two products of eight bits saturate, and
        # the scores would depend on the processor.
        reduce_range=True,
        per_channel=True,
        # The quantiser first splits each Gemm into a MatMul of this name and an Add.
        nodes_to_exclude=[*exact, *(f"{name}_MatMul" for name in exact)],
    )
    return quantised


def _scopes(node: Any) -> set[str]:
    """The modules that a node was exported from, outermost first in what the exporter notes."""
    noted = {entry.key: entry.value for entry in node.metadata_props}
    return set(ast.literal_eval(noted.get("pkg.torch.onnx.name_scopes", "[]")))


def _example(with_types: bool) -> dict[str, Any]:
    """Inputs whose sizes (2 × 17) cannot be mistaken for one of the model's."""
    import torch

    names = ["input_ids", "attention_mask", *(["token_type_ids"] if with_types else [])]
    return {name: torch.ones(2, 17, dtype=torch.long) for name in names}


def _LogitsOnly(model: Any) -> Any:
    """The model as a module that returns a tensor instead of transformers' output object."""
    import torch

    class LogitsOnly(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(
            self,
            input_ids: torch.Tensor,
            attention_mask: torch.Tensor,
            token_type_ids: torch.Tensor | None = None,
        ) -> torch.Tensor:
            types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
            logits: torch.Tensor = self.model(
                input_ids=input_ids, attention_mask=attention_mask, **types
            ).logits
            return logits

    return LogitsOnly().eval()


@contextmanager
def _quiet(model: Any, engine: str) -> Iterator[None]:
    """Exporters warn of much that concerns their authors; a failure becomes one line."""
    # Both runtimes fuse attention that is written out. Given torch's fused operator instead,
    # OpenVINO makes NaN of padding tokens that see no token (ModernBERT's local layers), and
    # ONNX Runtime's int8 is a third slower.
    model.set_attn_implementation("eager")
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"engine {engine}: {type(model).__name__} cannot be exported ({reason[:150]}); "
            "use --engine torch"
        ) from error
    finally:
        logging.disable(disabled)
