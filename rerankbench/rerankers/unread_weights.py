"""Weights of a checkpoint that the code which was loaded for it does not use."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from rerankbench.errors import ModelError

# Buffers that older releases of transformers saved, and computes anew today.
_BUFFERS = re.compile(
    r"(^|\.)(position_ids|token_type_ids|inv_freq|masked_bias|attn\.bias|attention\.bias)$"
    r"|rotary_emb\."
)
# On top of some encoders; no head of a classifier without it reads it.
_POOLER = re.compile(r"(^|\.)pooler\.")
_IN_LAYER = re.compile(r"^(.*?\.\d+)\.")


def check(name: str, model: Any, unexpected: Iterable[str]) -> str | None:
    """What to say of weights that `model` has no place for; None where nothing is lost.

    Other heads beside an encoder are left out silently where the encoder alone is read, else with
    a word. Raises ModelError for weights of its very layers: it would be another model.
    """
    lost = sorted(
        weight
        for weight in unexpected
        if not _BUFFERS.search(weight) and not _POOLER.search(weight)
    )
    if inner := [weight for weight in lost if _is_of_layer(model, weight)]:
        raise ModelError(
            f"{name}: {len(inner)} weights of its layers are not used by any code of "
            f"transformers {_release()}, such as {inner[0]:.80}: its scores would be another "
            "model's; name a model that this release knows"
        )
    if not lost or model.base_model is model:
        return None
    return (
        f"{len(lost)} of its weights are not used by {type(model).__name__}, such as {lost[0]:.80}"
    )


def _is_of_layer(model: Any, weight: str) -> bool:
    """Whether the weight would belong to a numbered layer that the model has."""
    match = _IN_LAYER.match(weight)
    if match is None:
        return False
    prefix = f"{model.base_model_prefix}."
    layer = match[1]
    return any(_has(model, path) for path in (layer, prefix + layer, layer.removeprefix(prefix)))


def _has(model: Any, path: str) -> bool:
    try:
        model.get_submodule(path)
    except AttributeError:
        return False
    return True


def _release() -> str:
    import transformers

    return transformers.__version__
