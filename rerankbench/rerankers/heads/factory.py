"""Encoders with a scoring head of their own: monoBERT, Mean-Pooling and CELI.

The encoder is any that transformers' AutoModel loads; the head lies beside it (`head_file`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading, pair_encoding
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import LAST_TOKEN_DECODERS
from rerankbench.rerankers.heads import equations as heads
from rerankbench.rerankers.heads import head_file, placed_pairs
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.recipe import Recipe
from rerankbench.rerankers.torch_pointwise import on_torch
from rerankbench.types import EngineRef

_SCORES = {
    "monobert": "first token's score",
    "mean": "mean of all tokens' scores",
    "celi": "first token's score + sum over query tokens of the best document token's product",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFactory(CheckpointFactory[Recipe, head_file.Head]):
    """Finds, identifies and loads encoders with a head."""

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: Recipe
    ) -> tuple[head_file.Head, RefFacts]:
        """The head that lies beside an encoder. Raises ModelError, UsageError."""
        config = checkpoint.config
        if config.get("is_encoder_decoder") or config.get("model_type") in LAST_TOKEN_DECODERS:
            raise ModelError(
                f"{checkpoint.name}: {checkpoint.architecture} is no encoder, whose tokens see "
                "the whole pair; put a head on BERT, ELECTRA, RoBERTa, DeBERTa, ModernBERT or "
                "their kin"
            )
        if not checkpoint.weight_files():
            raise ModelError(
                f"{checkpoint.name}: has a head and no encoder; save that with "
                "encoder.save_pretrained(folder)"
            )
        head = head_file.read(checkpoint.folder)
        return head, RefFacts(
            max_length=checkpoint.length_within(spec.max_length),
            recipe={
                "head": head.head,
                "token_dim": head.token_dim,
                "score": _SCORES[head.head],
                "truncation": pair_encoding.TRUNCATION,
            },
        )

    def build(
        self, loadable: LoadableModel[head_file.Head], engine: EngineRef
    ) -> PointwiseReranker:
        """Load tokeniser, encoder and head onto the device. Raises ModelError, UsageError."""
        ref, head, device = loadable.ref, loadable.description, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable)
        template = _template(tokenizer, head, ref.name)
        # A pooler is of BERT's kin only; no head reads it.
        encoder = loading.model(
            loadable, "AutoModel", trained_as="an encoder", may_lack=("pooler.",)
        )
        # A configuration need not say its sizes; of the class that it makes, they are known.
        width = getattr(encoder.config, "hidden_size", head.hidden_size)
        if width != head.hidden_size:
            raise ModelError(
                f"{ref.name}: its head is for hidden states of {head.hidden_size} numbers, and "
                f"its encoder has {width}; save the head beside the encoder it was trained with"
            )
        encode: Any = placed_pairs.encode if head.reads_texts else pair_encoding.encode
        weights = heads.load(loadable.checkpoint.folder, device)
        return on_torch(
            loadable,
            engine,
            device,
            tokenizer,
            encoder,
            encode=partial(encode, tokenizer, max_length=loadable.max_length, template=template),
            forward=heads.forward(encoder, head.head, weights),
        )


FACTORY = HeadFactory(family="head", recipe=Recipe)


def _template(tokenizer: Any, head: head_file.Head, name: str) -> pair_encoding.Template:
    template = pair_encoding.template_of(tokenizer)
    if head.head != "mean" and not len(template.prefix):
        raise ModelError(
            f"{name}: its tokeniser puts no [CLS] before a pair, which {head.head} reads; "
            "take the head mean, or an encoder with one"
        )
    return template
