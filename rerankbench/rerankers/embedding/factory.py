"""Models that read queries and documents apart: bi-encoders and late interaction.

A bi-encoder makes one vector of a text and compares two of them; late interaction (ColBERT) makes
one of every token and adds up, over the query's, the best product with any of the document's.
Either encodes a document once, however many queries it is a candidate of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.embedding import embedding_files, text_encoding, text_tokeniser
from rerankbench.rerankers.embedding.embedded import EmbeddingReranker
from rerankbench.rerankers.embedding.embedding_recipe import EmbeddingRecipe
from rerankbench.rerankers.embedding.late_interaction_files import late_interaction
from rerankbench.rerankers.engines.tables import Tables, tables_of
from rerankbench.rerankers.engines.text_vectors import Counting, Output, Task, TextVectors
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.plain_engine import dtype_of, engine_ref
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef

# Of an encoder–decoder only the encoder is read.
ENCODER_CLASSES: Mapping[str, str] = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
}
# What transformers puts on top of some encoders, and no step after them reads.
UNREAD_WEIGHTS = ("pooler.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingFactory:
    """Finds, identifies and loads models of one family."""

    family: str
    read: Callable[[Checkpoint, RerankerSpec], EmbeddingRecipe]
    output: Output
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = _find(spec)
        return self._ref(checkpoint, spec, self.read(checkpoint, spec)), engine_ref(spec)

    def load(self, spec: RerankerSpec) -> EmbeddingReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        checkpoint = _find(spec)
        recipe = self.read(checkpoint, spec)
        ref, engine = self._ref(checkpoint, spec, recipe), engine_ref(spec)
        device = loading.ready(engine)
        tokenizer = loading.tokenizer(checkpoint, spec)
        text_tokeniser.make_ready(tokenizer, recipe)
        around = text_encoding.around(tokenizer)
        model = encoder(checkpoint, spec).to(device)
        tables = tables_of(model)
        note = (
            f"its prompt '{recipe.unused_prompt}' is not used, as in sentence-transformers; "
            "name it as document_prompt in the recipe of a config"
        )
        found = EmbeddingReranker(
            ref=ref,
            engine_ref=engine,
            engine=self._engine(model, tables, recipe, tokenizer, around, device, ref.name),
            encode_queries=partial(
                text_encoding.encode,
                tokenizer,
                prompt=recipe.query_prompt,
                max_length=recipe.query_length,
                around=around,
                filling=text_tokeniser.filling(tokenizer, recipe, ref.name),
            ),
            encode_documents=partial(
                text_encoding.encode,
                tokenizer,
                prompt=recipe.document_prompt,
                max_length=recipe.document_length,
                around=around,
            ),
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            similarity=recipe.similarity,
            device=device,
            notes=() if recipe.unused_prompt is None else (note,),
            about=loading.about(checkpoint, tokenizer),
        )
        padding.settle_by_trial(found, model)
        return found

    def _ref(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: EmbeddingRecipe
    ) -> RerankerRef:
        return RerankerRef(
            name=checkpoint.name,
            family=self.family,
            revision=checkpoint.revision,
            parameters=checkpoint.parameter_count(),
            dtype=dtype_of(spec, checkpoint.config),
            max_length=recipe.document_length,
            recipe={"architecture": checkpoint.architecture, **recipe.as_recipe()},
            reads="documents-once",
            scale="cosine" if recipe.similarity == "cosine" else "logit",
        )

    def _engine(
        self,
        model: Any,
        tables: Tables,
        recipe: EmbeddingRecipe,
        tokenizer: Any,
        around: text_encoding.SpecialTokens,
        device: Any,
        name: str,
    ) -> TextVectors:
        from rerankbench.rerankers.embedding import token_modules

        prompts: Mapping[Task, str] = {
            "query": recipe.query_prompt,
            "document": recipe.document_prompt,
        }
        scored = recipe.scored
        return TextVectors(
            model,
            head=token_modules.chain(recipe.heads, name=name, device=device),
            output=self.output,
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            prompt_lengths={
                task: text_tokeniser.prompt_length(tokenizer, prompt, around)
                for task, prompt in prompts.items()
            },
            counting=Counting()
            if scored is None
            else Counting(
                filled=True,
                skip=text_tokeniser.known_ids(tokenizer, scored.skip_words),
                skip_tasks=scored.skip_tasks,
                keep_only=scored.keep_only,
            ),
            dimensions=recipe.dimensions,
        )


def encoder(
    checkpoint: Checkpoint,
    spec: RerankerSpec,
    reading: PairReading | None = None,
    notes: list[str] | None = None,
) -> Any:
    """The transformer alone, without what was trained on top of it. Raises ModelError."""
    model_type = str(checkpoint.config.get("model_type"))
    return loading.model(
        checkpoint,
        spec,
        ENCODER_CLASSES.get(model_type, "AutoModel"),
        dtype=dtype_of(spec, checkpoint.config),
        trained_as="an encoder of texts",
        may_lack=UNREAD_WEIGHTS,
        reading=reading,
        notes=notes,
    )


def _find(spec: RerankerSpec) -> Checkpoint:
    return source.checkpoint_of(spec)


BI_ENCODER = EmbeddingFactory(
    family="bi-encoder", read=embedding_files.bi_encoder, output="sentence_embedding"
)
LATE_INTERACTION = EmbeddingFactory(
    family="late-interaction", read=late_interaction, output="token_embeddings"
)
