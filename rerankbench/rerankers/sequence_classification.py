"""Cross-encoders: any Hugging Face sequence classifier with one label or two.

One label is scored by its raw logit. Two labels (monoBERT, monoELECTRA) are scored by
logit₁ − logit₀, which orders pairs as the probability of label 1 does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.batch_run import CPU_BATCH_TOKENS, CUDA_BATCH_TOKENS
from rerankbench.rerankers.engines import cpu
from rerankbench.rerankers.engines.build import build, eager, loading_dtype
from rerankbench.rerankers.engines.choice import choose
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import checkpoint as checkpoints
from rerankbench.rerankers.pair_encoding import (
    QUERY_SHARE,
    EncodedPairs,
    Template,
    encode,
    template_of,
)
from rerankbench.rerankers.pointwise import Pointwise
from rerankbench.rerankers.recipe import settings
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef

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
        settings(spec, {})
        checkpoint = self._find(spec)
        _check_architecture(checkpoint)
        spec = replace(spec, dtype=spec.dtype or _default_dtype(spec))
        return _reranker_ref(checkpoint, spec), _engine_ref(checkpoint, spec)

    def load(self, spec: RerankerSpec) -> Pointwise:
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
    return RerankerRef(
        # What int8 changes is for no reader to overlook.
        name=f"{checkpoint.name} (int8)" if spec.dtype == "int8" else checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=spec.dtype,
        max_length=checkpoint.length_within(spec.max_length),
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
) -> Pointwise:
    import torch

    device = loading.ready(engine)
    tokenizer = loading.tokenizer(checkpoint, spec)
    model = loading.model(
        checkpoint,
        spec,
        "AutoModelForSequenceClassification",
        dtype=loading_dtype(engine.engine, str(ref.dtype)),
        trained_as="a classifier",
    )
    # Before an engine takes the model apart.
    check = TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables_of(model))
    model, template = model.to(device), template_of(tokenizer)
    sample: Any = partial(_cut_to, tokenizer, template)
    padded = padding.of_classifier(
        model, tokenizer, ref, sample, lambda side: eager(model, device, left=side == "left")
    )
    made = build(
        engine,
        model,
        dtype=str(ref.dtype),
        with_types="token_type_ids" in tokenizer.model_input_names,
        device=device,
        threads=engine.threads or torch.get_num_threads(),
        left=padded.side == "left",
    )
    if engine.engine in ("onnx", "openvino"):
        padding.check_engine(made, padded, ref, sample)
    found = Pointwise(
        ref=ref,
        engine_ref=engine,
        engine=made,
        encode=partial(
            encode,
            tokenizer,
            max_length=int(ref.max_length or 512),
            template=template,
        ),
        check=check,
        device=device,
        about=loading.about(checkpoint, tokenizer),
    )
    padding.settle(found, padded)
    return found


def _cut_to(tokenizer: Any, template: Template, job: Job, max_length: int) -> EncodedPairs:
    return encode(tokenizer, job, max_length, template)
