"""Cross-encoders: any Hugging Face sequence classifier with one label or two.

One label is scored by its raw logit. Two labels (monoBERT, monoELECTRA) are scored by
logit₁ − logit₀, which orders pairs as the probability of label 1 does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import Job, RerankerSpec, ScoredBatch
from rerankbench.rerankers import checkpoint as checkpoints
from rerankbench.rerankers.batching import batches, pad
from rerankbench.rerankers.host_memory import keep_freed_memory, return_freed_memory
from rerankbench.rerankers.pair_encoding import QUERY_SHARE, EncodedPairs, encode
from rerankbench.types import EngineRef, RerankerRef

if TYPE_CHECKING:
    import torch

FAMILY = "sequence-classification"
# Padded tokens in one batch: a GPU wants to be filled.
CPU_BATCH_TOKENS = 16384
CUDA_BATCH_TOKENS = 65536
# Batches of ever new shapes scatter the freed memory; after so many of them it is given back.
_BATCHES_BETWEEN_TRIMS = 16


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


class CrossEncoder:
    """A loaded cross-encoder."""

    def __init__(self, *, ref: RerankerRef, engine: EngineRef, model: Any, tokenizer: Any) -> None:
        """Keep a model that is on its device and in evaluation mode."""
        self.ref = ref
        self.engine = engine
        self.attention_kernel: str | None = getattr(model.config, "_attn_implementation", None)
        self._model = model
        self._tokenizer = tokenizer
        self._budget = engine.batch_tokens or CPU_BATCH_TOKENS
        self._cut_queries: set[str] = set()
        self._batches = 0

    def prepare(self, job: Job) -> EncodedPairs:
        """Tokenise the pairs."""
        encoded = encode(self._tokenizer, job, int(self.ref.max_length or 512))
        self._cut_queries |= encoded.cut_queries
        return encoded

    def score(self, prepared: EncodedPairs) -> Iterator[ScoredBatch]:
        """Score length-sorted batches; when memory runs out, halve the budget and go on."""
        lengths = [len(row) for row in prepared.ids]
        queue = deque(batches(lengths, range(len(lengths)), self._budget))
        while queue:
            whole = queue.popleft()
            width = max(lengths[i] for i in whole)
            batch = [i for i in whole if i not in prepared.done]
            if not batch:
                continue
            try:
                scores = self._forward(prepared, batch, width)
            except (MemoryError, RuntimeError) as error:
                self._give_way(error, len(batch), width)
                rest = [*batch, *(i for later in queue for i in later)]
                queue = deque(batches(lengths, sorted(rest), self._budget))
                continue
            yield ScoredBatch(
                pairs=batch,
                scores=scores,
                tokens=sum(lengths[i] for i in batch),
                padded_tokens=width * len(batch),
                truncated_pairs=sum(prepared.truncated[i] for i in batch),
            )

    def warnings(self) -> Sequence[str]:
        """A halved batch budget, and queries that were cut."""
        found = []
        if self._budget != self.engine.batch_tokens:
            found.append(f"memory ran out: batches were cut to {self._budget} tokens")
        if self._cut_queries:
            found.append(f"{len(self._cut_queries)} queries were cut to fit the model's length")
        return found

    def peak_device_bytes(self) -> int | None:
        """Most GPU memory that torch reserved since the process began."""
        import torch

        device = next(self._model.parameters()).device
        return torch.cuda.max_memory_reserved(device) if device.type == "cuda" else None

    def _forward(self, prepared: EncodedPairs, batch: Sequence[int], width: int) -> list[float]:
        """Raw float32 scores of one batch, on the host: reading them waits for the device."""
        import torch

        rows = [prepared.ids[i] for i in batch]
        padding = self._tokenizer.pad_token_id or 0
        sizes = np.array([len(row) for row in rows])
        inputs = {
            "input_ids": pad(rows, width, padding),
            "attention_mask": (np.arange(width) < sizes[:, None]).astype(np.int64),
        }
        if prepared.types is not None:
            inputs["token_type_ids"] = pad([prepared.types[i] for i in batch], width, 0)
        device = self._model.device
        with torch.inference_mode():
            tensors = {name: torch.from_numpy(x).to(device) for name, x in inputs.items()}
            logits = self._model(**tensors).logits.float()
            scores = logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]
            found: list[float] = scores.cpu().tolist()
        self._tidy(device)
        return found

    def _tidy(self, device: torch.device) -> None:
        self._batches += 1
        if device.type == "cpu" and self._batches % _BATCHES_BETWEEN_TRIMS == 0:
            return_freed_memory()

    def _give_way(self, error: Exception, pairs: int, width: int) -> None:
        """Halve the token budget after a lack of memory; anything else is raised again."""
        if not _is_out_of_memory(error):
            raise error
        if pairs == 1:
            raise ModelError(
                f"{self.ref.name}: memory does not suffice for one pair of {width} tokens; "
                "lower --max-length or use a smaller dtype"
            ) from error
        self._budget = max(1, min(self._budget, pairs * width) // 2)
        _empty_cuda_cache(self._model.device)


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    # CPU allocations fail as plain RuntimeErrors with this text (c10/core/impl/alloc_cpu.cpp).
    lacking = ("DefaultCPUAllocator", "can't allocate memory")
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(
        text in str(error) for text in lacking
    )


def _empty_cuda_cache(device: torch.device) -> None:
    import torch

    if device.type == "cuda":
        torch.cuda.empty_cache()
