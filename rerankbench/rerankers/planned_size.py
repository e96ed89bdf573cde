"""Whether a config.json describes a model of about the size of the weights beside it.

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

    config = AutoConfig.from_pretrained(checkpoint.transformer, local_files_only=True)
    with torch.device("meta"):
        make = getattr(kind, "from_config", None) or kind._from_config
        planned = sum(parameter.numel() for parameter in make(config).parameters())
    held = checkpoint.parameter_count()
    if planned > 2 * held + _MORE:
        raise ModelError(
            f"{checkpoint.name}: its config.json describes {planned:,} parameters, and its files "
            f"hold {held:,}; fetch the model again"
        )
