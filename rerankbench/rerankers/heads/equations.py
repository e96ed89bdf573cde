"""Three ways to score the final layer of an encoder that has read a query and a document.

All of them come from the CELI paper (Zhang, Li and Lin: *CELI: A Simple yet Effective Approach to
Enhance Out-of-Domain Generalization of Cross-Encoders*), whose equations are named below; the
first is monoBERT's (arXiv:1901.04085), and the late interaction that of ColBERT (SIGIR 2020),
without its normalisation. `docs/head-checkpoints.md` states what the paper leaves open.

Shapes: `hidden` is pairs × width × D, D being the encoder's hidden size. Hidden states are taken
to float32 before anything is computed from them, and weights are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.heads import head_file

if TYPE_CHECKING:
    import torch

    Weights = Mapping[str, torch.Tensor]


def monobert(hidden: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Equation 1, `T_[CLS] W + b`: pairs. The first token of a pair is its [CLS]."""
    return _linear(hidden[:, 0], weights, "score")[:, 0]


def mean(hidden: torch.Tensor, mask: torch.Tensor, weights: Weights) -> torch.Tensor:
    """Equation 2, the mean of `T_i W + b` over all tokens of a pair: pairs.

    `mask` (pairs × width, bool) is true at every token that is no padding, special ones included.
    """
    scores = _linear(hidden, weights, "score")[:, :, 0]
    return scores.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1)


def late_interaction(
    hidden: torch.Tensor, query_mask: torch.Tensor, document_mask: torch.Tensor, weights: Weights
) -> torch.Tensor:
    """Equations 3 and 4, `Σ_q max_d (v_q · v_d)` with `v = T W + b`: pairs.

    The masks (bool) are true at the tokens of the query and of the document; `document_mask` is
    pairs × width, `query_mask` may end with the last column that has a query's token. Vectors
    are not normalised and the sum is no mean. A pair that lacks tokens of either text has no
    late interaction: 0.
    """
    vectors = _linear(hidden, weights, "tokens")
    queries = vectors[:, : query_mask.shape[1]]
    products = queries @ vectors.transpose(1, 2)
    best = products.masked_fill(~document_mask[:, None], -float("inf")).amax(dim=2)
    counted = query_mask & document_mask.any(dim=1, keepdim=True)
    return best.masked_fill(~counted, 0.0).sum(dim=1)


def celi(
    hidden: torch.Tensor, query_mask: torch.Tensor, document_mask: torch.Tensor, weights: Weights
) -> torch.Tensor:
    """`s_m + s_l`, equation 1 plus equation 4: pairs."""
    late = late_interaction(hidden, query_mask, document_mask, weights)
    return monobert(hidden, weights) + late


def forward(encoder: Any, head: str, weights: Weights) -> Callable[..., Any]:
    """Padded inputs in, `logits` (pairs × 1) out; padding is on the right."""

    def run(*, query_mask: Any = None, document_mask: Any = None, **inputs: Any) -> Any:
        hidden = encoder(**inputs).last_hidden_state
        if head == "monobert":
            scores = monobert(hidden, weights)
        elif head == "mean":
            scores = mean(hidden, inputs["attention_mask"].bool(), weights)
        else:
            scores = celi(hidden, query_mask.bool(), document_mask.bool(), weights)
        return SimpleNamespace(logits=scores[:, None])

    return run


def load(folder: Path, device: Any) -> Weights:
    """The head's tensors in float32 on the device. Raises ModelError."""
    from safetensors.torch import load_file

    path = folder / head_file.WEIGHTS
    try:
        tensors = load_file(path)
    except Exception as error:  # safetensors raises plain Exceptions
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{path}: cannot be loaded ({reason}); save the head again") from error
    return {name: tensor.float().to(device) for name, tensor in tensors.items()}


def _linear(hidden: torch.Tensor, weights: Weights, layer: str) -> torch.Tensor:
    """… × D → … × outputs, in float32."""
    from torch.nn.functional import linear

    return linear(hidden.float(), weights[f"{layer}.weight"], weights[f"{layer}.bias"])
