"""The dtype that a model computes in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rerankbench.errors import UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers.engines import cpu

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
    """The requested dtype, or the default. Raises UsageError if torch cannot compute in it."""
    if spec.dtype == "int8":
        raise UsageError(f"{spec.model}: int8 is for sequence classifiers on ONNX Runtime alone")
    kind = config.get("model_type")
    if spec.dtype not in (None, "float32") and kind in FLOAT32_ALONE:
        raise UsageError(
            f"{spec.model}: the code of {kind} in transformers cannot compute in {spec.dtype}; "
            "use --dtype float32"
        )
    return spec.dtype or default_dtype(spec, config)
