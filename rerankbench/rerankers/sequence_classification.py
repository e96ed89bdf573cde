"""Cross-encoders: any Hugging Face sequence classifier with one label or two.

One label is scored by its raw logit. Two labels (monoBERT, monoELECTRA) are scored by
logit₁ − logit₀, which orders pairs as the probability of label 1 does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import checkpoint as checkpoints
from rerankbench.rerankers.cross_encoder import (
    CPU_BATCH_TOKENS,
    CUDA_BATCH_TOKENS,
    CrossEncoder,
)
from rerankbench.rerankers.engines import cpu
from rerankbench.rerankers.engines.build import build, loading_dtype
from rerankbench.rerankers.engines.choice import choose
from rerankbench.rerankers.host_memory import keep_freed_memory
from rerankbench.rerankers.pair_encoding import QUERY_SHARE
from rerankbench.types import EngineRef, RerankerRef

if TYPE_CHECKING:
    import torch

FAMILY = "sequence-classification"
# A batch ends when its last pair does: it holds enough work that idle threads cost little.
NATIVE_BATCH_TOKENS = 32768
NATIVE_TOKENS_PER_THREAD = 8192
# Exported graphs run a batch on each core: small ones waste no padding and stay in its cache.
EXPORTED_BATCH_TOKENS = 512
# Dynamic int8 scales activations by the whole batch: alone, a pair's score is its own.
INT8_BATCH_TOKENS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Finds, identifies and loads cross-encoders; `folder` fixes which one."""

    folder: Path | None = None
    name: str | None = None
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = self._find(spec)
        _check_architecture(checkpoint)
        spec = replace(spec, dtype=spec.dtype or _default_dtype(spec))
        return _reranker_ref(checkpoint, spec), _engine_ref(checkpoint, spec)

    def load(self, spec: RerankerSpec) -> CrossEncoder:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        ref, engine = self.identify(spec)
        return _load(self._find(spec), ref, engine, spec)

    def _find(self, spec: RerankerSpec) -> checkpoints.Checkpoint:
        return checkpoints.find(
            str(self.folder or spec.model),
            name=spec.name or self.name,
            revision=spec.revision,
            with_code=spec.trust_remote_code,
        )


FACTORY = Factory()
DEMO = Factory(
    folder=Path(str(package_files("rerankbench") / "data" / "demo-cross-encoder")),
    name="demo-cross-encoder",
)


def _check_architecture(checkpoint: checkpoints.Checkpoint) -> None:
    if not checkpoint.architecture.endswith("ForSequenceClassification"):
        raise ModelError(
            f"{checkpoint.name}: {checkpoint.architecture} is no sequence classifier; "
            "name a cross-encoder, whose config.json says …ForSequenceClassification"
        )
    if checkpoint.label_count not in (1, 2):
        raise ModelError(
            f"{checkpoint.name}: {checkpoint.label_count} labels; a reranker has one label or two"
        )


def _reranker_ref(checkpoint: checkpoints.Checkpoint, spec: RerankerSpec) -> RerankerRef:
    limit = checkpoint.max_length()
    if spec.max_length is not None and spec.max_length > limit:
        raise UsageError(
            f"{checkpoint.name}: max length {spec.max_length} is beyond the model's {limit}; "
            f"ask for at most {limit}"
        )
    return RerankerRef(
        # What int8 changes is for no reader to overlook.
        name=f"{checkpoint.name} (int8)" if spec.dtype == "int8" else checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=spec.dtype,
        max_length=spec.max_length or limit,
        recipe={
            "architecture": checkpoint.architecture,
            "score": "logit" if checkpoint.label_count == 1 else "logit1 - logit0",
            "truncation": f"document; query beyond {QUERY_SHARE:.0%} of the length",
        },
    )


def _default_dtype(spec: RerankerSpec) -> str:
    """bfloat16 where the hardware multiplies it, whatever the model: keys must not vary more."""
    fast = spec.device != "cpu" or cpu.multiplies_bfloat16()
    return "bfloat16" if fast and spec.engine != "onnx" else "float32"


def _engine_ref(checkpoint: checkpoints.Checkpoint, spec: RerankerSpec) -> EngineRef:
    chosen = choose(spec, checkpoint.config, checkpoint.parameter_count())
    on_cpu = spec.device == "cpu"
    threads = spec.threads or 1
    if not on_cpu:
        budget = CUDA_BATCH_TOKENS
    elif chosen.engine == "native":
        budget = max(NATIVE_BATCH_TOKENS, threads * NATIVE_TOKENS_PER_THREAD)
    elif chosen.engine in ("onnx", "openvino"):
        budget = INT8_BATCH_TOKENS if spec.dtype == "int8" else EXPORTED_BATCH_TOKENS
    else:
        budget = CPU_BATCH_TOKENS
    return EngineRef(
        engine=chosen.engine,
        device=spec.device,
        batch_tokens=spec.batch_tokens or budget,
        threads=spec.threads if on_cpu else None,
        reason=chosen.reason,
        warning=chosen.warning,
    )


def _load(
    checkpoint: checkpoints.Checkpoint, ref: RerankerRef, engine: EngineRef, spec: RerankerSpec
) -> CrossEncoder:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call, unused-ignore]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    device = _device(engine.device)
    if device.type == "cpu":
        keep_freed_memory()
    if engine.threads is not None:
        torch.set_num_threads(engine.threads)
    common = {"trust_remote_code": spec.trust_remote_code, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, **common)
        model, loading = AutoModelForSequenceClassification.from_pretrained(
            checkpoint.folder,
            dtype=getattr(torch, loading_dtype(engine.engine, str(ref.dtype))),
            use_safetensors=True,
            output_loading_info=True,
            **common,
        )
    except Exception as error:  # safetensors and tokenizers raise plain Exceptions
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{ref.name}: cannot be loaded ({reason})") from error
    if missing := sorted(loading["missing_keys"]):
        raise ModelError(
            f"{ref.name}: {len(missing)} weights are missing, such as {missing[0]}, and would be "
            "random; name a checkpoint that was trained as a classifier"
        )
    if not tokenizer.is_fast:
        raise ModelError(f"{ref.name}: has no fast tokeniser; save one as tokenizer.json")
    made = build(
        engine,
        model.to(device).eval(),
        dtype=str(ref.dtype),
        with_types="token_type_ids" in tokenizer.model_input_names,
        device=device,
        threads=engine.threads or torch.get_num_threads(),
    )
    return CrossEncoder(
        ref=ref, engine_ref=engine, engine=made, tokenizer=tokenizer, device=device
    )


def _device(name: str) -> torch.device:
    import torch

    if name.startswith("cuda"):
        if not torch.cuda.is_available():
            raise UsageError(f"device {name}: torch sees no CUDA GPU; use --device cpu")
        if torch.device(name).index not in (None, *range(torch.cuda.device_count())):
            raise UsageError(
                f"device {name}: there are {torch.cuda.device_count()} GPUs, counted from 0"
            )
    return torch.device(name)
