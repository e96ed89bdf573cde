"""The forward passes of models that answer a prompt: logits of a few answers, in float32.

A score is the difference of two logits, or one of them: in bfloat16 many would be equal. Only the
rows of the output layer that are asked for are computed, from float32 copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.rerankers.engines.float32_head import keep_head_in_float32

Forward = Callable[..., Any]


def token_ids(tokenizer: Any, answers: Sequence[str | int], name: str) -> list[int]:
    """The id of each answer, which is one, or must be one token. Raises ModelError."""
    found = []
    for answer in answers:
        if isinstance(answer, int):
            found.append(answer)
            continue
        token = tokenizer.convert_tokens_to_ids(answer)
        if token is None or token == tokenizer.unk_token_id:
            ids = tokenizer(answer, add_special_tokens=False).input_ids
            if len(ids) != 1:
                raise ModelError(
                    f"{name}: '{answer}' is {len(ids)} tokens of its tokeniser; name answers of "
                    "one token in the recipe's 'answers'"
                )
            (token,) = ids
        found.append(int(token))
    return found


def narrow(model: Any, ids: Sequence[int], name: str) -> None:
    """Replace the output layer by the rows of these tokens, in float32.

    Raises ModelError for a token that it has no row for.
    """
    import torch

    full = model.get_output_embeddings()
    for token in ids:
        if not 0 <= token < len(full.weight):
            raise ModelError(
                f"{name}: the answer with token id {token} is none that the model can give: it "
                f"has {len(full.weight)}; name other 'answers' in the recipe of a config"
            )
    with torch.no_grad():
        rows = full.weight[list(ids)].float()
        shift = None if getattr(full, "bias", None) is None else full.bias[list(ids)].float()

    class Narrow(torch.nn.Module):
        weight: torch.Tensor
        bias: torch.Tensor | None

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("weight", rows)
            self.register_buffer("bias", shift)

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.linear(hidden.float(), self.weight, self.bias)

    # Not through set_output_embeddings, which would tie them to the input's.
    parent, _, leaf = _path_of(model, full).rpartition(".")
    setattr(model.get_submodule(parent), leaf, Narrow().to(full.weight.device))


def _path_of(model: Any, module: Any) -> str:
    return next(str(name) for name, each in model.named_modules() if each is module)


def decoder(model: Any, _: int | None = None) -> Forward:
    """Logits after the last token of each row; rows are padded on the left."""

    def forward(*, input_ids: Any, attention_mask: Any) -> Any:
        found = model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=_positions(attention_mask),
            use_cache=False,
            logits_to_keep=1,
        )
        return SimpleNamespace(logits=found.logits[:, -1])

    return forward


def decoder_classifier(model: Any, _: int | None = None, *, padding_ends: bool = False) -> Forward:
    """A classifier's labels read at the last token of each row; rows are padded on the left.

    With `padding_ends` they are read at the last token that is not the model's padding, as in
    transformers, and so in what was trained with it: it is another one where a prompt ends in a
    token that serves as padding too.
    """
    import torch

    head = model.score.float()
    padding = model.config.get_text_config().pad_token_id if padding_ends else None

    def forward(*, input_ids: Any, attention_mask: Any) -> Any:
        hidden = model.base_model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=_positions(attention_mask),
            use_cache=False,
        ).last_hidden_state
        if padding is None:
            return SimpleNamespace(logits=head(hidden[:, -1].float()))
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        last = ((input_ids != padding) * places).argmax(dim=1)
        rows = torch.arange(len(input_ids), device=input_ids.device)
        return SimpleNamespace(logits=head(hidden[rows, last].float()))

    return forward


def decoder_layer(model: Any, layer: int | None) -> Forward:
    """A layer's own logit at the last token of each row; rows are padded on the left.

    The model is MiniCPM's of FlagEmbedding, whose code returns a list with an entry a layer.
    """
    chosen = int(model.config.num_hidden_layers if layer is None else layer)
    keep_head_in_float32(model)

    def forward(*, input_ids: Any, attention_mask: Any) -> Any:
        found = model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=_positions(attention_mask),
            use_cache=False,
            return_dict=True,
            cutoff_layers=[chosen],
        )
        return SimpleNamespace(logits=found.logits[0][:, -1:])

    return forward


def encoder_decoder(model: Any, _: int | None = None) -> Forward:
    """Logits of the decoder's first step."""
    import torch

    start = model.config.decoder_start_token_id
    known = model.get_input_embeddings().num_embeddings
    if not isinstance(start, int) or not 0 <= start < known:
        raise ModelError(
            f"its decoder_start_token_id {start!r:.20} is none of its {known:,} tokens; mend its "
            "config.json"
        )

    def forward(*, input_ids: Any, attention_mask: Any) -> Any:
        first = torch.full_like(input_ids[:, :1], start)
        found = model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=first,
            use_cache=False,
        )
        return SimpleNamespace(logits=found.logits[:, 0])

    return forward


def _positions(attention_mask: Any) -> Any:
    """Counted from each row's first token."""
    return (attention_mask.cumsum(-1) - 1).clamp(min=0)
