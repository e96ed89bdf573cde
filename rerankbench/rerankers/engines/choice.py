"""Chooses the engine of a model: the requested one, or the fastest on this machine.

Decided from files, flags and installed packages alone; nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

from rerankbench.errors import UsageError
from rerankbench.protocols import EngineChoice, RerankerSpec
from rerankbench.rerankers.engines import cpu, prebuilt
from rerankbench.rerankers.files import config_defaults
from rerankbench.types import EngineRef

NAMES = ("auto", "native", "torch", "compile", "onnx", "openvino")

# Encoders of one shape: embeddings, then layers that normalise after each addition.
NATIVE_MODEL_TYPES = frozenset({"bert", "electra", "roberta", "xlm-roberta", "camembert"})
NATIVE_ACTIVATIONS = {
    "gelu": 0,
    "gelu_new": 1,
    "gelu_pytorch_tanh": 1,
    "relu": 2,
}

# When compiling pays: it took 40 s for six layers, and what it compiled ran 1.25 times as fast
# as eager torch, which reached about 1e11 FLOP/s on two cores (benchmarks/results).
COMPILE_S = 60.0
COMPILE_SAVES = 0.2
EAGER_FLOP_PER_S = 1e11
TOKENS_PER_PAIR = 256

# Padded tokens in one batch: a GPU wants to be filled.
CPU_BATCH_TOKENS = 16384
CUDA_BATCH_TOKENS = 65536
# A batch ends when its last pair does: it is large enough that idle threads cost little.
NATIVE_BATCH_TOKENS = 32768
NATIVE_TOKENS_PER_THREAD = 8192
# Exported graphs run a batch on each core: small ones waste no padding and stay in its cache.
EXPORTED_BATCH_TOKENS = 512
# Dynamic int8 scales activations by the whole batch: alone, a pair's score does not vary.
INT8_BATCH_TOKENS = 1


def choose(
    spec: RerankerSpec, config: Mapping[str, Any], parameters: int, pairs: int | None = None
) -> EngineChoice:
    """The engine for so many pairs and a model of this config; its batches as the spec says.

    A requested engine that cannot run here is replaced by the one that `auto` takes.
    Raises UsageError for an unknown name.
    """
    check_name(spec.engine)
    if spec.dtype == "int8" and spec.engine != "onnx":
        raise UsageError("int8 runs on ONNX Runtime alone; add --engine onnx")
    if spec.engine == "auto":
        return _automatic(spec, config, parameters, pairs)
    lack = obstacle(spec.engine, spec, config)
    if lack is None:
        return EngineChoice(engine=_ref(spec.engine, spec), reason="as asked")
    if spec.dtype == "int8":
        raise UsageError(f"int8 needs the engine onnx: {lack}")
    instead = _automatic(spec, config, parameters, pairs)
    warning = f"engine {spec.engine}: {lack}; ran on {instead.engine.engine}"
    return replace(instead, warning=warning)


def torch_alone(spec: RerankerSpec) -> EngineChoice:
    """For families without another engine. Raises UsageError for a name that is none."""
    check_name(spec.engine)
    is_torch = spec.engine in ("auto", "torch")
    return EngineChoice(
        engine=_ref("torch", spec),
        reason="as asked" if spec.engine == "torch" else "this family's only engine",
        warning=None if is_torch else f"engine {spec.engine}: not for this family; ran on torch",
    )


def check_name(engine: str) -> None:
    """Raises UsageError for a name that is no engine's."""
    if engine not in NAMES:
        raise UsageError(f"no engine '{engine}'; known: {', '.join(NAMES)}")


def _ref(engine: str, spec: RerankerSpec) -> EngineRef:
    return EngineRef(
        engine=engine,
        device=spec.device,
        batch_tokens=spec.batch_tokens or _batch_tokens(engine, spec),
        threads=spec.threads if spec.device == "cpu" else None,
    )


def _batch_tokens(engine: str, spec: RerankerSpec) -> int:
    if spec.device != "cpu":
        return CUDA_BATCH_TOKENS
    if engine == "native":
        return max(NATIVE_BATCH_TOKENS, (spec.threads or 1) * NATIVE_TOKENS_PER_THREAD)
    if engine in ("onnx", "openvino"):
        return INT8_BATCH_TOKENS if spec.dtype == "int8" else EXPORTED_BATCH_TOKENS
    return CPU_BATCH_TOKENS


def obstacle(engine: str, spec: RerankerSpec, config: Mapping[str, Any]) -> str | None:
    """Why an engine cannot run a model here; None where it can."""
    on_cpu = spec.device == "cpu"
    match engine:
        case "native":
            return _native_obstacle(spec, config) if on_cpu else "runs on the CPU only"
        case "compile":
            lacks_compiler = on_cpu and cpu.compiler() is None
            return "no C++ compiler; install g++" if lacks_compiler else None
        case "onnx":
            return _package_obstacle(on_cpu, "onnx", "onnxscript", "onnxruntime", extra="onnx")
        case "openvino":
            return _package_obstacle(on_cpu, "openvino", extra="openvino")
    return None


def _package_obstacle(on_cpu: bool, *packages: str, extra: str) -> str | None:
    if not on_cpu:
        return "runs on the CPU only"
    missing = [package for package in packages if find_spec(package) is None]
    if not missing:
        return None
    return f"{missing[0]} is not installed; pip install 'rerankbench[{extra}]'"


def _native_obstacle(spec: RerankerSpec, config: Mapping[str, Any]) -> str | None:
    if (shape := _shape_obstacle(config)) is not None:
        return shape
    if spec.dtype == "float16":
        return "has no float16"
    if spec.dtype == "bfloat16" and not cpu.multiplies_bfloat16():
        return "the processor has no bfloat16 products"
    if "avx512f" not in cpu.flags():
        return "the processor has no AVX-512"
    ready = prebuilt.library() is not None or cpu.compiler() is not None
    return None if ready else "no C++ compiler; install g++"


def _shape_obstacle(config: Mapping[str, Any]) -> str | None:
    model_type = config.get("model_type")
    if model_type not in NATIVE_MODEL_TYPES:
        return f"does not know the architecture {model_type}"
    sizes = [
        config_defaults.setting(config, key)
        for key in ("hidden_size", "intermediate_size", "num_attention_heads")
    ]
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        return f"does not know sizes such as {sizes!r:.60}"
    hidden, inner, heads = sizes
    if hidden % (2 * heads) or inner % 2 or hidden // heads > 256:
        return f"does not know {heads} heads over {hidden} dimensions"
    # Of these architectures only ELECTRA has the key.
    of_words = (
        config_defaults.setting(config, "embedding_size") if model_type == "electra" else None
    )
    if config.get("embedding_size", of_words or hidden) != hidden:
        return "does not know embeddings narrower than the layers"
    activation = config_defaults.setting(config, "hidden_act") or "gelu"
    if activation not in NATIVE_ACTIVATIONS:
        return f"does not know the activation {activation!s:.40}"
    plain = config.get("position_embedding_type", "absolute") == "absolute"
    if not plain or config.get("is_decoder"):
        return "knows absolute positions and encoders only"
    return None


def _automatic(
    spec: RerankerSpec, config: Mapping[str, Any], parameters: int, pairs: int | None
) -> EngineChoice:
    lack = obstacle("native", spec, config)
    if spec.device != "cpu":
        engine, reason = "torch", "unpadded attention on the GPU"
    elif lack is None:
        kind = "bfloat16" if spec.dtype == "bfloat16" else "AVX-512"
        engine, reason = "native", f"{kind} micro-kernels for this architecture"
    elif obstacle("compile", spec, config) is None and _compiling_pays(pairs or 0, parameters):
        engine, reason = "compile", f"native {lack}; the job is long enough to compile"
    else:
        engine, reason = "torch", f"native {lack}; the job is too short to compile"
    return EngineChoice(engine=_ref(engine, spec), reason=reason)


def _compiling_pays(pairs: int, parameters: int) -> bool:
    """Whether the time that compiled code saves on this job exceeds that of compiling."""
    eager_s = pairs * TOKENS_PER_PAIR * 2 * parameters / EAGER_FLOP_PER_S
    return eager_s * COMPILE_SAVES > COMPILE_S
