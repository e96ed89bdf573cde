"""Loading a tokeniser and weights of transformers, with what can go wrong in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rerankbench.errors import ModelError, UsageError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import vocabulary
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.host_memory import keep_freed_memory
from rerankbench.rerankers.token_check import MOST_ID, greatest_id
from rerankbench.types import EngineRef

if TYPE_CHECKING:
    import torch


def ready(engine: EngineRef) -> torch.device:
    """The engine's device, with threads and memory set up for it. Raises UsageError."""
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call, unused-ignore]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call, unused-ignore]
    device = _device(engine.device)
    if device.type == "cpu":
        keep_freed_memory()
    if engine.threads is not None:
        torch.set_num_threads(engine.threads)
    return device


def tokenizer(checkpoint: Checkpoint, spec: RerankerSpec) -> Any:
    """The fast tokeniser. Raises ModelError."""
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(checkpoint.transformer, **_common(spec))
    except Exception as error:  # tokenizers raises plain Exceptions
        raise _unloadable(checkpoint, error) from error
    if not found.is_fast:
        raise ModelError(f"{checkpoint.name}: has no fast tokeniser; save one as tokenizer.json")
    if greatest_id(found) > MOST_ID:
        raise ModelError(
            f"{checkpoint.name}: its tokeniser has the token id {greatest_id(found)}, which no "
            "model has an embedding for; mend tokenizer.json, or fetch the tokeniser again"
        )
    vocabulary.check(found, checkpoint.config, checkpoint.name)
    return found


def about(checkpoint: Checkpoint, tokeniser: Any) -> Mapping[str, str]:
    """What a person may want to know besides, for `doctor`: labels and tokeniser."""
    found = {}
    if checkpoint.architecture.endswith("ForSequenceClassification"):
        names = (checkpoint.config.get("id2label") or {}).values()
        found["labels"] = ", ".join(map(str, names)) or str(checkpoint.label_count)
    kind, side = type(tokeniser).__name__, tokeniser.padding_side
    found["tokeniser"] = f"{kind}, {len(tokeniser):,} tokens; pads on the {side} by itself"
    return found


def model(
    checkpoint: Checkpoint,
    spec: RerankerSpec,
    class_name: str,
    *,
    dtype: str,
    trained_as: str,
    may_lack: tuple[str, ...] = (),
) -> Any:
    """A model of that class of transformers, on the CPU, in evaluation mode. Raises ModelError.

    Weights that the checkpoint lacks would be random: they are refused, unless their names begin
    as `may_lack` says.
    """
    import torch
    import transformers

    try:
        found, loading = getattr(transformers, class_name).from_pretrained(
            checkpoint.transformer,
            dtype=getattr(torch, dtype),
            use_safetensors=True,
            output_loading_info=True,
            **_common(spec),
        )
    except Exception as error:  # safetensors raises plain Exceptions
        _check_own_code(checkpoint, spec, class_name)
        raise _unloadable(checkpoint, error) from error
    missing = sorted(name for name in loading["missing_keys"] if not name.startswith(may_lack))
    if missing:
        _check_own_code(checkpoint, spec, class_name)
        raise ModelError(
            f"{checkpoint.name}: {len(missing)} weights are missing, such as {missing[0]}, and "
            f"would be random; name a checkpoint that was trained as {trained_as}"
        )
    return found.eval()


def _check_own_code(checkpoint: Checkpoint, spec: RerankerSpec, class_name: str) -> None:
    """Say what is needed where a model that brings code was loaded without it."""
    code = (checkpoint.config.get("auto_map") or {}).get(class_name)
    if code and not spec.trust_remote_code:
        raise ModelError(
            f"{checkpoint.name}: needs its own code ({code!s:.60}); read it, then name the "
            "model in a config with 'trust_remote_code: true' and its revision"
        )


def _common(spec: RerankerSpec) -> dict[str, Any]:
    return {"trust_remote_code": spec.trust_remote_code, "local_files_only": True}


def _unloadable(checkpoint: Checkpoint, error: Exception) -> ModelError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(f"{checkpoint.name}: cannot be loaded ({reason})")


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
