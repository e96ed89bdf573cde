"""The engine of families that run in torch alone."""

from __future__ import annotations

from rerankbench.errors import UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.batch_run import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS
from rerankbench.rerankers.engines import choice, cpu
from rerankbench.types import EngineRef


def dtype_of(spec: RerankerSpec) -> str:
    """What was asked for, or bfloat16 where the hardware multiplies it."""
    if spec.dtype == "int8":
        raise UsageError(f"{spec.model}: int8 is for sequence classifiers on ONNX Runtime alone")
    fast = spec.device != "cpu" or cpu.multiplies_bfloat16()
    return spec.dtype or ("bfloat16" if fast else "float32")


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
