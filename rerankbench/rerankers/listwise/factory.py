"""Listwise rerankers: language models that write the order of a window of passages.

RankZephyr and any other model that follows a chat: a window slides over the candidates from the
last to the first, and each answer, `[2] > [1] > [3]`, orders the passages in it anew
(https://arxiv.org/abs/2312.02724, https://github.com/castorini/rank_llm). There is no score: a
document's is its rank from the end, so that none tie. It depends on all candidates and on the
order they came in, so it is never kept by pair.
"""

from __future__ import annotations

from dataclasses import dataclass

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files.checkpoint import NO_ARCHITECTURE, Checkpoint
from rerankbench.rerankers.listwise.generation import Generator
from rerankbench.rerankers.listwise.order import ListwiseReranker
from rerankbench.rerankers.listwise.prompt import QuestionWriter
from rerankbench.rerankers.listwise.recipe import ListwiseRecipe
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef

# The context that rank_llm gives RankZephyr.
MAX_LENGTH = 4096
# What transformers calls decoders that write.
_WRITERS = ("ForCausalLM", "LMHeadModel")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListwiseFactory(CheckpointFactory[ListwiseRecipe, ListwiseRecipe]):
    """Finds, identifies and loads language models as listwise rerankers."""

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: ListwiseRecipe
    ) -> tuple[ListwiseRecipe, RefFacts]:
        """The recipe, for a model that writes. Raises ModelError, UsageError."""
        if not checkpoint.architecture.endswith((*_WRITERS, NO_ARCHITECTURE)):
            raise ModelError(
                f"{checkpoint.name}: {checkpoint.architecture} does not write; name a language "
                "model, whose config.json says …ForCausalLM"
            )
        return recipe, RefFacts(
            max_length=checkpoint.length_within(spec.max_length, default=MAX_LENGTH),
            recipe={
                "prompt": recipe.text,
                "decoding": "greedy",
                "score": "-rank",
                "scores_lists": True,
                "window": recipe.window,
                "stride": recipe.step,
                "truncation": f"passages beyond {recipe.passage_words} words, fewer where the "
                "prompt is too long; then the query",
            },
            reads="lists",
            scale="rank",
        )

    def build(
        self, loadable: LoadableModel[ListwiseRecipe], engine: EngineRef
    ) -> ListwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        ref, recipe, device = loadable.ref, loadable.description, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable)
        writer = QuestionWriter(tokenizer, recipe, max_length=loadable.max_length, name=ref.name)
        model = loading.model(loadable, "AutoModelForCausalLM", trained_as="a language model")
        tables = tables_of(model)
        return ListwiseReranker(
            ref=ref,
            engine_ref=engine,
            writer=writer,
            generator=Generator(
                model.to(device), tokenizer, device=device, name=ref.name, tables=tables
            ),
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            window=recipe.window,
            stride=recipe.step,
            beside=max(1, int(engine.batch_tokens or 0) // loadable.max_length),
        )


FACTORY = ListwiseFactory(family="listwise", recipe=ListwiseRecipe)
