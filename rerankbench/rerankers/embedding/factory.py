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
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.embedding import embedding_files, text_encoding, text_tokeniser
from rerankbench.rerankers.embedding.embedded import EmbeddingReranker
from rerankbench.rerankers.embedding.embedding_files import BiEncoderRecipe, TextRecipe
from rerankbench.rerankers.embedding.embedding_recipe import EmbeddingRecipe
from rerankbench.rerankers.embedding.late_interaction_files import (
    LateInteractionRecipe,
    late_interaction,
)
from rerankbench.rerankers.engines.tables import Tables, tables_of
from rerankbench.rerankers.engines.text_vectors import Counting, Output, Task, TextVectors
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef

# Of an encoder–decoder only the encoder is read.
ENCODER_CLASSES: Mapping[str, str] = {
    "t5": "T5EncoderModel",
    "mt5": "MT5EncoderModel",
    "umt5": "UMT5EncoderModel",
}
# What transformers puts on top of some encoders, and no step after them reads.
UNREAD_WEIGHTS = ("pooler.",)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingFactory(CheckpointFactory[TextRecipe, EmbeddingRecipe]):
    """Finds, identifies and loads models of one family."""

    read: Callable[[Checkpoint, RerankerSpec, Any], EmbeddingRecipe]
    output: Output

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: TextRecipe
    ) -> tuple[EmbeddingRecipe, RefFacts]:
        """What the files and the recipe say. Raises ModelError, UsageError."""
        description = self.read(checkpoint, spec, recipe)
        return description, RefFacts(
            max_length=description.document_length,
            recipe=description.as_recipe(),
            reads="documents-once",
            scale="cosine" if description.similarity == "cosine" else "logit",
        )

    def build(
        self, loadable: LoadableModel[EmbeddingRecipe], engine: EngineRef
    ) -> EmbeddingReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        ref, recipe, device = loadable.ref, loadable.description, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable)
        text_tokeniser.make_ready(tokenizer, recipe)
        around = text_encoding.around(tokenizer)
        model = encoder(loadable).to(device)
        tables = tables_of(model)
        note = (
            f"its prompt '{recipe.unused_prompt}' is not used, as in sentence-transformers; "
            "name it as document_prompt in the recipe of a config"
        )
        reranker = EmbeddingReranker(
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
            about=loading.about(loadable.checkpoint, tokenizer),
        )
        padding.settle_by_trial(reranker, model)
        return reranker

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
    loadable: LoadableModel[Any],
    reading: PairReading | None = None,
    notes: list[str] | None = None,
) -> Any:
    """The transformer alone, without what was trained on top of it. Raises ModelError."""
    model_type = str(loadable.checkpoint.config.get("model_type"))
    return loading.model(
        loadable,
        ENCODER_CLASSES.get(model_type, "AutoModel"),
        trained_as="an encoder of texts",
        may_lack=UNREAD_WEIGHTS,
        reading=reading,
        notes=notes,
    )


BI_ENCODER = EmbeddingFactory(
    family="bi-encoder",
    recipe=BiEncoderRecipe,
    read=embedding_files.bi_encoder,
    output="sentence_embedding",
)
LATE_INTERACTION = EmbeddingFactory(
    family="late-interaction",
    recipe=LateInteractionRecipe,
    read=late_interaction,
    output="token_embeddings",
)
