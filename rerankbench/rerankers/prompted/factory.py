"""Language models as rerankers: what they answer to a prompt about a query and a document.

Decoders (Qwen3-Reranker, RankLLaMA, …) are read after the prompt's last token, encoder–decoders
(monoT5, RankT5) at the decoder's first step. Prompt and answer are a preset, found by the
checkpoint's files, or what a config says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from rerankbench.protocols import Job, RerankerSpec
from rerankbench.rerankers import loading, pair_encoding
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.files import pair_reading
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import cautions
from rerankbench.rerankers.files.labels import Label
from rerankbench.rerankers.files.pair_reading import PairReading
from rerankbench.rerankers.pointwise import PointwiseJob, PointwiseReranker
from rerankbench.rerankers.prompted import answers, prompt
from rerankbench.rerankers.prompted.presets import CAUSAL, SEQ2SEQ, Preset
from rerankbench.rerankers.prompted.prompt_recipe import (
    CausalRecipe,
    PromptRecipe,
    Seq2SeqRecipe,
    described,
    label_of,
    resolve,
)
from rerankbench.rerankers.torch_pointwise import on_torch
from rerankbench.types import EngineRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedDescription:
    """Files and recipe of a model that answers prompts."""

    preset: Preset
    reading: PairReading | None
    label: Label | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedFactory(CheckpointFactory[PromptRecipe, PromptedDescription]):
    """Finds, identifies and loads models of one shape."""

    presets: Mapping[str, Preset]
    class_names: Mapping[str, str]
    """Which class of transformers has which head."""
    forwards: Mapping[str, Callable[[Any, int | None], answers.Forward]]
    left: bool

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: PromptRecipe
    ) -> tuple[PromptedDescription, RefFacts]:
        """Its preset with the recipe's changes. Raises ModelError, UsageError."""
        preset = resolve(checkpoint, spec, recipe, self.presets)
        reading = pair_reading.read(checkpoint)
        label = label_of(checkpoint, spec, recipe, preset)
        max_length = checkpoint.length_within(
            spec.max_length,
            default=preset.max_length,
            saved=None if reading is None else reading.max_length,
        )
        return (
            PromptedDescription(preset=preset, reading=reading, label=label),
            RefFacts(max_length=max_length, recipe=described(preset, label)),
        )

    def build(
        self, loadable: LoadableModel[PromptedDescription], engine: EngineRef
    ) -> PointwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        preset, label = loadable.description.preset, loadable.description.label
        reading, device = loadable.description.reading, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable, reading)
        notes = [*cautions(loadable.checkpoint, 1 if label is None else label.count)]
        notes += [] if label is None or label.caution is None else [label.caution]
        model = loading.model(
            loadable,
            self.class_names[preset.head],
            trained_as="a reranker",
            reading=reading,
            notes=notes,
        )
        if preset.head == "answers":
            name = loadable.ref.name
            answers.narrow(model, answers.token_ids(tokenizer, preset.answers, name), name)
        forward = self.forwards[preset.head](model, preset.layer)
        if preset.head == "label" and preset.saved:
            forward = answers.decoder_classifier(model, padding_ends=True)
        return on_torch(
            loadable,
            engine,
            device,
            tokenizer,
            model,
            encode=_encoding(tokenizer, preset, loadable.max_length),
            forward=forward,
            left=self.left,
            label=None if label is None else label.index,
            as_saved=preset.saved,
            notes=notes,
        )


def _encoding(tokenizer: Any, preset: Preset, max_length: int) -> Callable[[Job], PointwiseJob]:
    """How pairs become token ids: as the tokeniser's pairs, or as prompts."""
    if preset.as_pair:
        return partial(
            pair_encoding.encode,
            tokenizer,
            max_length=max_length,
            template=pair_encoding.template_of(tokenizer),
            prompt=preset.instruction or "",
        )
    form = prompt.Prompt(segments=preset.segments, free=preset.free, strips=preset.strips)
    return partial(prompt.encode, tokenizer, form, max_length=max_length)


CAUSAL_LM = PromptedFactory(
    family="causal-lm",
    recipe=CausalRecipe,
    presets=CAUSAL,
    class_names={
        "answers": "AutoModelForCausalLM",
        "label": "AutoModelForSequenceClassification",
        "layer": "AutoModelForCausalLM",
    },
    forwards={
        "answers": answers.decoder,
        "label": answers.decoder_classifier,
        "layer": answers.decoder_layer,
    },
    left=True,
)
SEQ_TO_SEQ = PromptedFactory(
    family="seq2seq",
    recipe=Seq2SeqRecipe,
    presets=SEQ2SEQ,
    class_names={"answers": "AutoModelForSeq2SeqLM"},
    forwards={"answers": answers.encoder_decoder},
    left=False,
)
