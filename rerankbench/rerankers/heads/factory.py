"""Encoders with a scoring head of their own: monoBERT, Mean-Pooling and CELI.

The encoder is any that transformers' AutoModel loads; the head lies beside it (`head_file`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading, padding, pair_encoding
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import LAST_TOKEN_DECODERS
from rerankbench.rerankers.heads import equations as heads
from rerankbench.rerankers.heads import head_file, placed_pairs
from rerankbench.rerankers.plain_engine import dtype_of, engine_ref
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.recipe import Recipe, read
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef

FAMILY = "head"
_SCORES = {
    "monobert": "first token's score",
    "mean": "mean of all tokens' scores",
    "celi": "first token's score + sum over query tokens of the best document token's product",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadFactory:
    """Finds, identifies and loads encoders with a head."""

    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = _find(spec)
        return _identified(checkpoint, head_file.read(checkpoint.folder), spec)

    def load(self, spec: RerankerSpec) -> PointwiseReranker:
        """Load tokeniser, encoder and head onto the device. Raises ModelError, UsageError."""
        checkpoint = _find(spec)
        head = head_file.read(checkpoint.folder)
        ref, engine = _identified(checkpoint, head, spec)
        device = loading.ready(engine)
        tokenizer = loading.tokenizer(checkpoint, spec)
        template = _template(tokenizer, head, ref.name)
        encoder = loading.model(
            checkpoint,
            spec,
            "AutoModel",
            dtype=str(ref.dtype),
            trained_as="an encoder",
            # Of BERT's kin only; no head reads it.
            may_lack=("pooler.",),
        )
        # A configuration need not say its sizes; of the class that it makes, they are known.
        width = getattr(encoder.config, "hidden_size", head.hidden_size)
        if width != head.hidden_size:
            raise ModelError(
                f"{ref.name}: its head is for hidden states of {head.hidden_size} numbers, and "
                f"its encoder has {width}; save the head beside the encoder it was trained with"
            )
        encoder = encoder.to(device)
        weights = heads.load(checkpoint.folder, device)
        tables = tables_of(encoder)
        made = TorchEngine(
            encoder,
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            forward=heads.forward(encoder, head.head, weights),
        )
        encode: Any = placed_pairs.encode if head.reads_texts else pair_encoding.encode
        found = PointwiseReranker(
            ref=ref,
            engine_ref=engine,
            engine=made,
            encode=partial(
                encode, tokenizer, max_length=int(ref.max_length or 512), template=template
            ),
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            device=device,
        )
        padding.settle_by_trial(found, encoder)
        return found


FACTORY = HeadFactory()


def _find(spec: RerankerSpec) -> Checkpoint:
    read(spec, Recipe)
    found = source.checkpoint_of(spec)
    config = found.config
    if config.get("is_encoder_decoder") or config.get("model_type") in LAST_TOKEN_DECODERS:
        raise ModelError(
            f"{found.name}: {found.architecture} is no encoder, whose tokens see the whole pair; "
            "put a head on BERT, ELECTRA, RoBERTa, DeBERTa, ModernBERT or their kin"
        )
    if not found.weight_files():
        raise ModelError(
            f"{found.name}: has a head and no encoder; save that with "
            "encoder.save_pretrained(folder)"
        )
    return found


def _identified(
    checkpoint: Checkpoint, head: head_file.Head, spec: RerankerSpec
) -> tuple[RerankerRef, EngineRef]:
    ref = RerankerRef(
        name=checkpoint.name,
        family=FAMILY,
        revision=checkpoint.revision,
        parameters=checkpoint.parameter_count(),
        dtype=dtype_of(spec, checkpoint.config),
        max_length=checkpoint.length_within(spec.max_length),
        recipe={
            "architecture": checkpoint.architecture,
            "head": head.head,
            "token_dim": head.token_dim,
            "score": _SCORES[head.head],
            "truncation": f"document; query beyond {pair_encoding.QUERY_SHARE:.0%} of the length",
        },
    )
    return ref, engine_ref(spec)


def _template(tokenizer: Any, head: head_file.Head, name: str) -> pair_encoding.Template:
    template = pair_encoding.template_of(tokenizer)
    if head.head != "mean" and not len(template.prefix):
        raise ModelError(
            f"{name}: its tokeniser puts no [CLS] before a pair, which {head.head} reads; "
            "take the head mean, or an encoder with one"
        )
    return template
