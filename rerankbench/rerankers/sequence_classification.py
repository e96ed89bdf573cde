"""Cross-encoders: any Hugging Face sequence classifier with one label or two.

One label is scored by its raw logit. Two labels (monoBERT, monoELECTRA) are scored by
logit₁ − logit₀, which orders pairs as the probability of label 1 does.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from rerankbench.rerankers.host_memory import keep_freed_memory
from rerankbench.rerankers.pair_encoding import QUERY_SHARE
from rerankbench.types import EngineRef, RerankerRef

if TYPE_CHECKING:
    import torch

FAMILY = "sequence-classification"


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
        return _reranker_ref(checkpoint, spec), _engine_ref(spec)

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
    dtype = spec.dtype or ("float32" if spec.device == "cpu" else "bfloat16")
    return RerankerRef(
        name=checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=dtype,
        max_length=spec.max_length or limit,
        recipe={
            "architecture": checkpoint.architecture,
            "score": "logit" if checkpoint.label_count == 1 else "logit1 - logit0",
            "truncation": f"document; query beyond {QUERY_SHARE:.0%} of the length",
        },
    )


def _engine_ref(spec: RerankerSpec) -> EngineRef:
    if spec.engine not in ("auto", "torch"):
        raise UsageError(f"no engine '{spec.engine}'; known: auto, torch")
    on_cpu = spec.device == "cpu"
    return EngineRef(
        engine="torch",
        device=spec.device,
        batch_tokens=spec.batch_tokens or (CPU_BATCH_TOKENS if on_cpu else CUDA_BATCH_TOKENS),
        threads=spec.threads if on_cpu else None,
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
            dtype=getattr(torch, str(ref.dtype)),
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
    model = model.to(device).eval()
    return CrossEncoder(ref=ref, engine=engine, model=model, tokenizer=tokenizer)


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
