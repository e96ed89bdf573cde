"""Checks that a config.json describes a model of about the size of its weights.

transformers makes room for all that a configuration describes before it says that the weights do
not fit it: a size with a few digits too many would fill the memory first.
"""

from __future__ import annotations

from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.files.checkpoint import Checkpoint

# Heads that a checkpoint lacks are named by what loads it; they are small.
_MORE = 10**7


def check(checkpoint: Checkpoint, kind: Any) -> None:
    """Raise ModelError for a configuration of far more parameters than the files hold.

    `kind` is the class of transformers to be loaded; it is made without memory for its weights.
    """
    import torch
    from transformers import AutoConfig

    # Without an answer transformers would ask, at the terminal, whether to run a model's own code.
    config = AutoConfig.from_pretrained(
        checkpoint.transformer, local_files_only=True, trust_remote_code=False
    )
    with torch.device("meta"):
        make = getattr(kind, "from_config", None) or kind._from_config
        planned = sum(parameter.numel() for parameter in make(config).parameters())
    held = checkpoint.parameter_count()
    if planned > 2 * held + _MORE:
        raise _too_much(checkpoint.name, planned, held)


def check_vocabulary(checkpoint: Checkpoint) -> None:
    """Refuse more token embeddings than the files hold numbers, whatever the model's class.

    Raises ModelError.
    """
    rows = checkpoint.config.get("vocab_size") or 0
    if rows > (held := checkpoint.parameter_count()):
        raise _too_much(checkpoint.name, rows, held)


def _too_much(name: str, planned: int, held: int) -> ModelError:
    return ModelError(
        f"{name}: its config.json describes {planned:,} parameters or more, and its files hold "
        f"{held:,}; fetch the model again"
    )
