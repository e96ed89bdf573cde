"""What follows a transformer: pooling, projections and norms over its tokens' vectors.

The steps of sentence-transformers (6.2), in float32 whatever the transformer ran in: what they
read is upcast. Rows are padded on the right. A step reads and writes named tensors:
`token_embeddings` (rows × width × hidden), `attention_mask` (rows × width, true for a token),
`sentence_embedding` (rows × dimensions), `scores`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rerankbench.errors import ModelError
from rerankbench.rerankers.embedding.embedding_recipe import pooling_modes
from rerankbench.rerankers.files.modules_file import Module

if TYPE_CHECKING:
    import torch

Features: TypeAlias = dict[str, Any]
Step: TypeAlias = Callable[[Features], None]

_SENTENCE, _TOKENS = "sentence_embedding", "token_embeddings"
_WEIGHTS = "model.safetensors"
# Classes of torch.nn that a saved projection may name; each has no weights and no arguments.
_ACTIVATIONS = frozenset(
    {
        *("Identity", "Tanh", "ReLU", "GELU", "SiLU", "Sigmoid", "LeakyReLU", "ELU", "SELU"),
        *("Mish", "Softplus", "Softsign", "ReLU6", "Hardtanh", "LogSigmoid", "Tanhshrink"),
    }
)
_LEAST_COUNT = 1e-9


def chain(heads: Sequence[Module], *, name: str, device: Any) -> Step:
    """All steps, one after another, with their weights on the device. Raises ModelError."""
    build = {
        "Pooling": _pooling,
        "Dense": _dense,
        "LayerNorm": _layer_norm,
        "Normalize": _normalize,
    }
    for head in heads:
        if head.kind not in build:
            raise ModelError(
                f"{name}: a {head.kind} among its modules is not for this family; known are "
                f"{', '.join(build)}"
            )
    steps = [build[head.kind](head, device) for head in heads]

    def run(features: Features) -> None:
        for step in steps:
            step(features)

    return run


def _pooling(module: Module, device: Any) -> Step:
    modes = pooling_modes(module.config)
    unknown = [mode for mode in modes if mode not in _POOLS]
    if unknown:
        raise ModelError(
            f"{module.folder}: pooling '{unknown[0]}' is not known; known are {', '.join(_POOLS)}"
        )
    with_prompt = module.config.get("include_prompt", True)

    def pool(features: Features) -> None:
        import torch

        mask = features["attention_mask"]
        if not with_prompt and features.get("prompt_length"):
            mask = mask.clone()
            mask[:, : features["prompt_length"]] = False
        pooled = [_POOLS[mode](features[_TOKENS], mask) for mode in modes]
        features[_SENTENCE] = torch.cat(pooled, dim=-1)

    return pool


def _first(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return _at(tokens, mask.int().argmax(dim=1))


def _last(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    import torch

    # Zero where nothing is left: a row that is no more than its prompt.
    place = mask * torch.arange(mask.shape[1], device=mask.device)
    return _at(tokens * mask[..., None], place.argmax(dim=1))


def _at(tokens: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    import torch

    return tokens[torch.arange(len(tokens), device=tokens.device), places]


def _largest(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return tokens.masked_fill(~mask[..., None], float("-inf")).amax(dim=1)


def _mean(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (tokens * mask[..., None]).sum(dim=1) / _counts(mask)


def _mean_by_root(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return (tokens * mask[..., None]).sum(dim=1) / _counts(mask).sqrt()


def _counts(mask: torch.Tensor) -> torch.Tensor:
    return mask.sum(dim=1, keepdim=True).float().clamp(min=_LEAST_COUNT)


def _weighted_mean(tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The mean with weights 1, 2, 3, … by position (SGPT, https://arxiv.org/abs/2202.08904)."""
    import torch

    places = torch.arange(1, mask.shape[1] + 1, device=mask.device, dtype=tokens.dtype)
    weights = (mask * places)[..., None]
    return (tokens * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=_LEAST_COUNT)


_POOLS: Mapping[str, Callable[[Any, Any], Any]] = {
    "cls": _first,
    "max": _largest,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_by_root,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
}


def _dense(module: Module, device: Any) -> Step:
    from torch.nn import functional

    config = module.config
    reads = config.get("module_input_name") or _SENTENCE
    writes = config.get("module_output_name") or reads
    activation = _activation(module)
    weight = _weight(module, "linear.weight", device)
    bias = _weight(module, "linear.bias", device) if config.get("bias", True) else None
    adds_input = bool(config.get("use_residual"))
    narrows = weight.shape[0] != weight.shape[1]
    shortcut = _weight(module, "residual.weight", device) if adds_input and narrows else None

    def project(features: Features) -> None:
        inputs = features[reads]
        projected = activation(functional.linear(inputs, weight, bias))
        if adds_input:
            projected = projected + (
                inputs if shortcut is None else functional.linear(inputs, shortcut)
            )
        features[writes] = projected

    return project


def _activation(module: Module) -> Callable[[Any], Any]:
    import torch

    # The default is that of sentence-transformers' Dense.
    dotted = str(module.config.get("activation_function", "torch.nn.Tanh"))
    name = dotted.rpartition(".")[2]
    if not dotted.startswith("torch.nn.") or name not in _ACTIVATIONS:
        raise ModelError(
            f"{module.folder}: activation {dotted} is not known; known are those of torch.nn "
            f"named {', '.join(sorted(_ACTIVATIONS))}"
        )
    made: Callable[[Any], Any] = getattr(torch.nn, name)()
    return made


def _layer_norm(module: Module, device: Any) -> Step:
    from torch.nn import functional

    weight = _weight(module, "norm.weight", device)
    bias = _weight(module, "norm.bias", device)

    def norm(features: Features) -> None:
        features[_SENTENCE] = functional.layer_norm(
            features[_SENTENCE], weight.shape, weight, bias
        )

    return norm


def _normalize(module: Module, device: Any) -> Step:
    from torch.nn import functional

    reads = module.config.get("module_input_name") or _SENTENCE
    writes = module.config.get("module_output_name") or reads

    def normalize(features: Features) -> None:
        features[writes] = functional.normalize(features[reads], dim=-1)

    return normalize


def _weight(module: Module, key: str, device: Any) -> torch.Tensor:
    from safetensors import SafetensorError, safe_open

    path = module.folder / _WEIGHTS
    if not path.is_file():
        pickled = (module.folder / "pytorch_model.bin").exists()
        why = " (a pickled pytorch_model.bin can run code and is not loaded)" if pickled else ""
        raise ModelError(
            f"{module.folder}: no {_WEIGHTS} in it{why}; save the model again with "
            "sentence-transformers"
        )
    try:
        with safe_open(path, framework="pt") as handle:
            tensor: torch.Tensor = handle.get_tensor(key)
    except SafetensorError as error:
        reason = (str(error).splitlines() or ["unreadable"])[0]
        raise ModelError(f"{path}: has no {key} ({reason}); fetch the model again") from error
    return tensor.float().to(device)
