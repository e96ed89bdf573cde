"""Cross-encoders that sentence-transformers saved as modules: pooled tokens, then projections.

The transformer has no classifier of its own; the last projection writes the score. Pairs are read
as by any cross-encoder, and scores are raw: a saved activation is for display.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.embedding import text_encoding
from rerankbench.rerankers.embedding.embedding_recipe import module_names
from rerankbench.rerankers.embedding.factory import encoder
from rerankbench.rerankers.embedding.text_tokeniser import prompt_length
from rerankbench.rerankers.files import modules_file, pair_reading
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import cautions
from rerankbench.rerankers.files.labels import Label, scored
from rerankbench.rerankers.files.modules_file import Module
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.pair_encoding import TRUNCATION, encode, template_of
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.recipe import ClassifierRecipe
from rerankbench.rerankers.torch_pointwise import on_torch
from rerankbench.types import EngineRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulesDescription:
    """What the files and a recipe say."""

    heads: tuple[Module, ...]
    reading: PairReading
    label: Label
    prompt: str
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulesFactory(CheckpointFactory[ClassifierRecipe, ModulesDescription]):
    """Finds, identifies and loads them."""

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: ClassifierRecipe
    ) -> tuple[ModulesDescription, RefFacts]:
        """The modules, which must lead from tokens to scores. Raises ModelError, UsageError."""
        saved, reading = modules_file.read(checkpoint.folder), pair_reading.read(checkpoint)
        last = saved.heads[-1] if saved is not None and saved.heads else None
        if reading is None or last is None or last.config.get("module_output_name") != "scores":
            raise ModelError(
                f"{checkpoint.name}: its modules do not end in a score; name a cross-encoder "
                "whose modules.json ends in a Dense that writes 'scores'"
            )
        if reading.chat is not None or reading.task != "feature-extraction":
            raise ModelError(
                f"{checkpoint.name}: its modules read chat messages or {reading.task}, which is "
                "not supported; name a model whose sentence_bert_config.json says text"
            )
        count = last.config.get("out_features")
        if not isinstance(count, int):
            raise ModelError(
                f"{checkpoint.name}: its last module has no out_features; save it again"
            )
        # The configuration's labels are those of a classifier that the modules replace.
        names = [f"LABEL_{i}" for i in range(count)]
        description = ModulesDescription(
            heads=() if saved is None else saved.heads,
            reading=reading,
            label=scored(names, recipe.label, model=checkpoint.name),
            prompt=(reading.prompt or "") if recipe.query_prompt is None else recipe.query_prompt,
            cautions=cautions(checkpoint, count),
        )
        return description, RefFacts(
            max_length=checkpoint.length_within(spec.max_length, saved=reading.max_length),
            recipe={
                "modules": module_names(description.heads),
                "score": description.label.score,
                "query_prompt": description.prompt,
                "truncation": TRUNCATION,
            },
        )

    def build(
        self, loadable: LoadableModel[ModulesDescription], engine: EngineRef
    ) -> PointwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        from rerankbench.rerankers.embedding import token_modules

        described, device = loadable.description, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable, described.reading)
        head = token_modules.chain(described.heads, name=loadable.ref.name, device=device)
        notes = [*described.cautions]
        model = encoder(loadable, described.reading, notes)
        before = prompt_length(tokenizer, described.prompt, text_encoding.around(tokenizer))
        return on_torch(
            loadable,
            engine,
            device,
            tokenizer,
            model,
            encode=partial(
                encode,
                tokenizer,
                max_length=loadable.max_length,
                template=template_of(tokenizer),
                prompt=described.prompt,
            ),
            forward=_scoring(model, head, before),
            label=described.label.index,
            as_saved=True,
            notes=notes,
        )


FACTORY = ModulesFactory(family="cross-encoder-modules", recipe=ClassifierRecipe)


def _scoring(
    model: Any, head: Callable[[dict[str, Any]], None], prompt_length: int
) -> Callable[..., Any]:
    def forward(**inputs: Any) -> Any:
        features = {
            "token_embeddings": model(**inputs).last_hidden_state.float(),
            "attention_mask": inputs["attention_mask"].bool(),
            "prompt_length": prompt_length,
        }
        head(features)
        return SimpleNamespace(logits=features["scores"])

    return forward
