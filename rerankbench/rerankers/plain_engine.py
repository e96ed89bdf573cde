"""The engine of families that run in torch alone, and the dtype of all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rerankbench.errors import UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.batch_run import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS
from rerankbench.rerankers.engines import choice, cpu
from rerankbench.types import EngineRef

# Their code in transformers makes tensors in float32 on the way, or has no other product.
FLOAT32_ALONE = frozenset({"deberta", "fnet", "mra", "xlnet"})


def default_dtype(spec: RerankerSpec, config: Mapping[str, Any]) -> str:
    """bfloat16 where hardware multiplies it and the architecture's code can compute in it.

    Nothing else of a model counts: keys must not vary more.
    """
    fast = spec.device != "cpu" or cpu.multiplies_bfloat16()
    able = config.get("model_type") not in FLOAT32_ALONE
    return "bfloat16" if fast and able else "float32"


def dtype_of(spec: RerankerSpec, config: Mapping[str, Any]) -> str:
    """What was asked for, or the default. Raises UsageError where torch cannot compute in it."""
    if spec.dtype == "int8":
        raise UsageError(f"{spec.model}: int8 is for sequence classifiers on ONNX Runtime alone")
    kind = config.get("model_type")
    if spec.dtype not in (None, "float32") and kind in FLOAT32_ALONE:
        raise UsageError(
            f"{spec.model}: the code of {kind} in transformers cannot compute in {spec.dtype}; "
            "use --dtype float32"
        )
    return spec.dtype or default_dtype(spec, config)


def engine_ref(spec: RerankerSpec) -> EngineRef:
    """Torch, whatever engine was asked for. Raises UsageError for a name that is none."""
    if spec.engine not in choice.NAMES:
        raise UsageError(f"no engine '{spec.engine}'; known: {', '.join(choice.NAMES)}")
    on_cpu = spec.device == "cpu"
    asked = spec.engine in ("auto", "torch")
    return EngineRef(
        engine="torch",
        device=spec.device,
        batch_tokens=spec.batch_tokens or (CPU_BATCH_TOKENS if on_cpu else CUDA_BATCH_TOKENS),
        threads=spec.threads if on_cpu else None,
        reason="as asked" if spec.engine == "torch" else "this family's only engine",
        warning=None if asked else f"engine {spec.engine}: not for this family; ran on torch",
    )
