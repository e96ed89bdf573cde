"""Activations that a checkpoint saves for its scores: none is applied, as far as none reorders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rerankbench.errors import ModelError

_RISING = frozenset(
    {"Identity", "Sigmoid", "Tanh", "LogSigmoid", "Softplus", "Softsign", "LeakyReLU"}
    | {"ELU", "SELU", "CELU", "Tanhshrink"}
)
# These rise, but are level somewhere: they make ties that raw scores do not have.
_LEVEL_IN_PARTS = frozenset({"ReLU", "ReLU6", "Hardtanh", "Hardsigmoid", "Threshold"})
# Of several labels; one label would always come out as 1 or 0.
_OVER_LABELS = frozenset({"Softmax", "LogSoftmax"})


def caution(name: str, dotted: str | None, *, labels: int) -> str | None:
    """What to say of a saved activation that is left out; None where it changes no order.

    `dotted` is where its class is, such as `torch.nn.modules.activation.Sigmoid`. Raises
    ModelError for one that puts scores in another order.
    """
    if dotted is None:
        return None
    kind = dotted.rpartition(".")[2]
    if not dotted.startswith("torch."):
        return (
            f"its activation {dotted:.80} is code of its own and not applied: raw scores are "
            "ranked, as in sentence-transformers"
        )
    if kind in _RISING or (kind in _OVER_LABELS and labels > 1):
        return None
    if kind in _LEVEL_IN_PARTS:
        return f"its activation {kind} makes scores equal that are not; raw scores are ranked"
    raise ModelError(
        f"{name}: its activation {dotted:.80} puts scores in another order than they have, which "
        "is not supported; save it with torch.nn.Identity"
    )


def saved(settings: Mapping[str, Any], config: Mapping[str, Any]) -> str | None:
    """The path of the activation's class, searched in sentence-transformers' order."""
    older = (config.get("sentence_transformers") or {}).get("activation_fn")
    newer = settings.get("activation_fn") or older
    return newer or config.get("sbert_ce_default_activation_function")
