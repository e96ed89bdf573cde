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
from rerankbench.rerankers import loading, padding, pair_encoding
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import pair_reading, source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.files.classifier import cautions
from rerankbench.rerankers.files.labels import Label
from rerankbench.rerankers.plain_engine import dtype_of, engine_ref
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
from rerankbench.rerankers.recipe import read
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptedFactory:
    """Finds, identifies and loads models of one shape."""

    family: str
    recipe: type[PromptRecipe]
    presets: Mapping[str, Preset]
    class_names: Mapping[str, str]
    """Which class of transformers has which head."""
    forwards: Mapping[str, Callable[[Any, int | None], answers.Forward]]
    left: bool
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = source.checkpoint_of(spec)
        return self._identified(checkpoint, spec)

    def load(self, spec: RerankerSpec) -> PointwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        checkpoint = source.checkpoint_of(spec)
        ref, engine = self._identified(checkpoint, spec)
        preset, label = self._read(checkpoint, spec)
        reading = pair_reading.read(checkpoint)
        device = loading.ready(engine)
        tokenizer = loading.tokenizer(checkpoint, spec, reading)
        notes = [*cautions(checkpoint, 1 if label is None else label.count)]
        notes += [] if label is None or label.caution is None else [label.caution]
        model = loading.model(
            checkpoint,
            spec,
            self.class_names[preset.head],
            dtype=str(ref.dtype),
            trained_as="a reranker",
            reading=reading,
            notes=notes,
        )
        if preset.head == "answers":
            ids = answers.token_ids(tokenizer, preset.answers, ref.name)
            answers.narrow(model, ids, ref.name)
        tables = tables_of(model)
        forward = self.forwards[preset.head](model, preset.layer)
        if preset.head == "label" and preset.padding_ends:
            forward = answers.decoder_classifier(model, padding_ends=True)
        made = TorchEngine(
            model.to(device),
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            forward=forward,
            left=self.left,
        )
        found = PointwiseReranker(
            ref=ref,
            engine_ref=engine,
            engine=made,
            encode=_encoding(tokenizer, preset, int(ref.max_length or preset.max_length)),
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            device=device,
            about=loading.about(checkpoint, tokenizer),
            label=None if label is None else label.index,
            notes=notes,
        )
        padding.settle_by_trial(found, model)
        return found

    def _identified(
        self, checkpoint: Checkpoint, spec: RerankerSpec
    ) -> tuple[RerankerRef, EngineRef]:
        preset, label = self._read(checkpoint, spec)
        reading = pair_reading.read(checkpoint)
        saved = None if reading is None else reading.max_length
        ref = RerankerRef(
            name=checkpoint.name,
            family=self.family,
            revision=checkpoint.revision,
            parameters=checkpoint.parameter_count(),
            dtype=dtype_of(spec, checkpoint.config),
            max_length=checkpoint.length_within(
                spec.max_length, default=preset.max_length, saved=saved
            ),
            recipe={"architecture": checkpoint.architecture, **described(preset, label)},
        )
        return ref, engine_ref(spec)

    def _read(self, checkpoint: Checkpoint, spec: RerankerSpec) -> tuple[Preset, Label | None]:
        recipe = read(spec, self.recipe)
        preset = resolve(checkpoint, spec, recipe, self.presets)
        return preset, label_of(checkpoint, spec, recipe, preset)


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
