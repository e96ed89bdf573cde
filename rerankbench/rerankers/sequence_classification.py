"""Cross-encoders: any Hugging Face sequence classifier.

One label is scored by its raw logit. Of two labels (monoBERT, monoELECTRA) the relevant one is
scored by the difference of their logits, which orders pairs as its probability does; of more, by
its log-odds.
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
from rerankbench.rerankers.engines.build import build, eager, loading_dtype
from rerankbench.rerankers.engines.choice import choose
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import classifier as classifiers
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import NO_ARCHITECTURE, Checkpoint
from rerankbench.rerankers.files.classifier import Classifier
from rerankbench.rerankers.pair_encoding import (
    QUERY_SHARE,
    EncodedPairs,
    Template,
    encode,
    template_of,
)
from rerankbench.rerankers.plain_engine import default_dtype
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.recipe import ClassifierRecipe, read
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
class CrossEncoderFactory:
    """Finds, identifies and loads cross-encoders; `folder` fixes which one."""

    folder: Path | None = None
    name: str | None = None
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = self._find(spec)
        spec = replace(spec, dtype=spec.dtype or _default_dtype(spec, checkpoint))
        return _identified(checkpoint, _described(checkpoint, spec), spec)

    def load(self, spec: RerankerSpec) -> PointwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        checkpoint = self._find(spec)
        spec = replace(spec, dtype=spec.dtype or _default_dtype(spec, checkpoint))
        described = _described(checkpoint, spec)
        ref, engine = _identified(checkpoint, described, spec)
        return _load(checkpoint, described, ref, engine, spec)

    def _find(self, spec: RerankerSpec) -> Checkpoint:
        return source.find(
            str(self.folder or spec.model),
            name=spec.name or self.name,
            revision=spec.revision,
            with_code=spec.trust_remote_code,
        )


FACTORY = CrossEncoderFactory()
DEMO = CrossEncoderFactory(
    folder=Path(str(package_files("rerankbench") / "rerankers" / "demo-cross-encoder")),
    name="demo-cross-encoder",
)


def _described(checkpoint: Checkpoint, spec: RerankerSpec) -> Classifier:
    """What the files and the recipe say. Raises ModelError, UsageError."""
    unnamed = checkpoint.architecture == NO_ARCHITECTURE
    if not checkpoint.is_classifier and not unnamed:
        raise ModelError(
            f"{checkpoint.name}: {checkpoint.architecture} is no sequence classifier; "
            "name a cross-encoder, whose config.json says …ForSequenceClassification"
        )
    found = classifiers.describe(checkpoint, read(spec, ClassifierRecipe))
    reading = found.reading
    if reading is not None and (reading.chat is not None or reading.task != FAMILY):
        what = "chat messages" if reading.chat is not None else f"pairs for {reading.task}"
        raise ModelError(
            f"{checkpoint.name}: sentence-transformers saved it as reading {what}, which is not "
            f"supported for {checkpoint.architecture:.50}; name a model that reads text pairs and "
            "writes labels"
        )
    return found


def _identified(
    checkpoint: Checkpoint, described: Classifier, spec: RerankerSpec
) -> tuple[RerankerRef, EngineRef]:
    saved = None if described.reading is None else described.reading.max_length
    ref = RerankerRef(
        # What int8 changes is for no reader to overlook.
        name=f"{checkpoint.name} (int8)" if spec.dtype == "int8" else checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=spec.dtype,
        max_length=checkpoint.length_within(spec.max_length, saved=saved),
        recipe={
            "architecture": checkpoint.architecture,
            "score": described.label.score,
            "truncation": f"document; query beyond {QUERY_SHARE:.0%} of the length",
            **described.as_recipe(),
        },
    )
    return ref, _engine_ref(checkpoint, described, spec)


def _default_dtype(spec: RerankerSpec, checkpoint: Checkpoint) -> str:
    return "float32" if spec.engine == "onnx" else default_dtype(spec, checkpoint.config)


def _engine_ref(checkpoint: Checkpoint, described: Classifier, spec: RerankerSpec) -> EngineRef:
    in_float32 = () if described.reading is None else described.reading.float32
    if in_float32 and spec.dtype not in ("float32", "int8"):
        # Only torch computes single layers in another dtype.
        spec = replace(spec, engine="torch")
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
    checkpoint: Checkpoint,
    described: Classifier,
    ref: RerankerRef,
    engine: EngineRef,
    spec: RerankerSpec,
) -> PointwiseReranker:
    import torch

    device = loading.ready(engine)
    tokenizer = loading.tokenizer(checkpoint, spec, described.reading)
    notes: list[str] = [*described.cautions]
    model = loading.model(
        checkpoint,
        spec,
        "AutoModelForSequenceClassification",
        dtype=loading_dtype(engine.engine, str(ref.dtype)),
        trained_as="a classifier",
        reading=described.reading,
        notes=notes,
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
    found = PointwiseReranker(
        ref=ref,
        engine_ref=engine,
        engine=made,
        encode=partial(
            encode,
            tokenizer,
            max_length=int(ref.max_length or 512),
            template=template,
            prompt=described.prompt,
        ),
        check=check,
        device=device,
        about=loading.about(checkpoint, tokenizer),
        label=described.label.index,
        notes=notes,
    )
    padding.settle(found, padded)
    return found


def _cut_to(tokenizer: Any, template: Template, job: Job, max_length: int) -> EncodedPairs:
    return encode(tokenizer, job, max_length, template)
