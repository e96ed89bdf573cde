"""Names → contenders. A module, and the package that it measures, is imported by its child only.

The settings in these modules are the fastest of those tried for each (see the benchmarks' README).
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence

from benchmarks.scoring.contenders.contract import Contender, Setup
from rerankbench.errors import UsageError, nearest

OURS = "ours"
_KNOWN = {
    "st": "sentence_transformers_predict:plain",
    "st-bf16": "sentence_transformers_predict:bfloat16",
    "st-best": "sentence_transformers_predict:best",
    "transformers": "transformers_loop:float32",
    "transformers-bf16": "transformers_loop:bfloat16",
    "onnx": "onnx_runtime:float32",
    "onnx-int8": "onnx_runtime:int8",
    "openvino": "openvino_runtime:float32",
    "openvino-bf16": "openvino_runtime:bfloat16",
    "openvino-int8": "openvino_runtime:int8",
    "flashrank": "flashrank_runtime:float32",
    "flashrank-int8": "flashrank_runtime:int8",
}
# The file that each needs from `exports`.
_NEEDS = {
    "onnx": "onnx",
    "onnx-int8": "onnx-int8",
    "openvino": "openvino",
    "openvino-bf16": "openvino",
    "openvino-int8": "openvino-int8",
    "flashrank": "onnx",
    "flashrank-int8": "onnx-int8",
}
# Those whose batch size is chosen by trying some.
_TUNED = ("st-best", "onnx", "onnx-int8", "openvino", "openvino-bf16", "openvino-int8")
DEFAULT = (*_KNOWN, OURS)


def is_ours(name: str) -> bool:
    """Whether a name is `ours`, `ours:ENGINE` or `ours:ENGINE:DTYPE`."""
    return name.split(":")[0] == OURS


def needed_export(name: str) -> str | None:
    """The kind of exported file that a contender reads."""
    return _NEEDS.get(name)


def is_tuned(name: str) -> bool:
    """Whether the fastest batch size is looked for before the passes."""
    return name in _TUNED


def check(names: Sequence[str]) -> None:
    """Raise UsageError for a name that no contender has."""
    for name in names:
        if not is_ours(name) and name not in _KNOWN:
            raise UsageError(f"no contender '{name}'; {nearest(name, DEFAULT)}")


def build(name: str, setup: Setup) -> Contender:
    """Load the contender of that name; raises whatever its package raises."""
    if is_ours(name):
        from benchmarks.scoring.contenders.ours import Ours

        return Ours(name, setup)
    module, _, function = _KNOWN[name].partition(":")
    contender: Contender = getattr(importlib.import_module(f"{__name__}.{module}"), function)(
        setup
    )
    return contender
