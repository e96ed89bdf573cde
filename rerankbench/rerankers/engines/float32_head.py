"""Computes the classification head in float32, whatever the dtype of the layers below.

In bfloat16 a logit has 8 bits of mantissa: documents whose scores differ would tie. The head sees
one row a pair, or a few, and costs next to nothing in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def head_modules(model: Any) -> Mapping[str, torch.nn.Module]:
    """The modules of a classifier of transformers that come after its encoder, by their names.

    All that lies beside the base model, and the base model's own pooler, where there is one. A
    class that names no base model has its last linear layer for a head.
    """
    import torch

    base = model.base_model
    if base is model:
        linear = [(n, m) for n, m in model.named_modules() if isinstance(m, torch.nn.Linear)]
        return dict(linear[-1:])
    pooler = getattr(base, "pooler", None)
    below = set(base.modules()) - set(() if pooler is None else pooler.modules())
    return {
        name: module
        for name, module in model.named_modules()
        if module is not model and module not in below
    }


def keep_head_in_float32(model: Any) -> None:
    """Take a classifier's head to float32, in place; what the encoder hands it is cast to that."""
    import torch

    for module in head_modules(model).values():
        # Not module.float(), which would change tensors that are tied to the encoder's as well.
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is not None and tensor.is_floating_point():
                    exact: Any = tensor.detach().float()
                    trained = isinstance(tensor, torch.nn.Parameter)
                    tensors[name] = torch.nn.Parameter(exact, False) if trained else exact
        module.register_forward_pre_hook(_cast, with_kwargs=True)
    if model.base_model is not model:
        # What lies between encoder and head without being a module, such as a mean over tokens.
        model.base_model.register_forward_hook(_cast_states)


def _cast(_: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any]:
    return tuple(map(_exact, arguments)), {name: _exact(value) for name, value in named.items()}


def _cast_states(_: Any, __: Any, output: Any) -> Any:
    if hasattr(output, "last_hidden_state"):
        output.last_hidden_state = _exact(output.last_hidden_state)
    return output


def _exact(value: Any) -> Any:
    import torch

    low = isinstance(value, torch.Tensor) and value.is_floating_point()
    return value.float() if low else value


def products_as_sums(model: Any) -> None:
    """Write the head's linear layers as products and sums of single numbers, in place.

    OpenVINO computes what it knows as a matrix product in the precision that it is told, all else
    behind the last of them in float32.
    """
    import torch

    class Sums(torch.nn.Module):
        def __init__(self, linear: torch.nn.Linear) -> None:
            super().__init__()
            self.linear = linear

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            products = (states.unsqueeze(-2) * self.linear.weight).sum(-1)
            return products if self.linear.bias is None else products + self.linear.bias

    for name, module in head_modules(model).items():
        if isinstance(module, torch.nn.Linear):
            parent, _, leaf = name.rpartition(".")
            setattr(model.get_submodule(parent), leaf, Sums(module))
