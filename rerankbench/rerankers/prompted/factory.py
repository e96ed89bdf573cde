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

from rerankbench.protocols import RerankerSpec
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.engines.padded import TorchEngine
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import checkpoint as checkpoints
from rerankbench.rerankers.plain_engine import dtype_of, engine_ref
from rerankbench.rerankers.pointwise import Pointwise
from rerankbench.rerankers.prompted import answers, prompt
from rerankbench.rerankers.prompted.presets import CAUSAL, SEQ2SEQ, Preset
from rerankbench.rerankers.prompted.prompt_recipe import described, resolve
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef, RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Factory:
    """Finds, identifies and loads models of one shape."""

    family: str
    presets: Mapping[str, Preset]
    class_names: Mapping[str, str]
    """Which class of transformers has which head."""
    forwards: Mapping[str, Callable[[Any, int | None], answers.Forward]]
    left: bool
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> tuple[RerankerRef, EngineRef]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = checkpoints.asked(spec)
        return self._identified(checkpoint, spec)

    def load(self, spec: RerankerSpec) -> Pointwise:
        """Load tokeniser and weights onto the device. Raises ModelError, UsageError."""
        checkpoint = checkpoints.asked(spec)
        ref, engine = self._identified(checkpoint, spec)
        preset = self._preset(checkpoint, spec)
        device = loading.ready(engine)
        tokenizer = loading.tokenizer(checkpoint, spec)
        model = loading.model(
            checkpoint,
            spec,
            self.class_names[preset.head],
            dtype=str(ref.dtype),
            trained_as="a reranker",
        )
        if preset.head == "answers":
            ids = answers.token_ids(tokenizer, preset.answers, ref.name)
            answers.narrow(model, ids, ref.name)
        tables = tables_of(model)
        made = TorchEngine(
            model.to(device),
            padding=tables.filler(tokenizer.pad_token_id),
            device=device,
            forward=self.forwards[preset.head](model, preset.layer),
            left=self.left,
        )
        encode = partial(
            prompt.encode,
            tokenizer,
            prompt.Prompt(segments=preset.segments, free=preset.free),
            max_length=int(ref.max_length or preset.max_length),
        )
        found = Pointwise(
            ref=ref,
            engine_ref=engine,
            engine=made,
            encode=encode,
            check=TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables),
            device=device,
            about=loading.about(checkpoint, tokenizer),
        )
        padding.settle_by_trial(found, model)
        return found

    def _identified(
        self, checkpoint: checkpoints.Checkpoint, spec: RerankerSpec
    ) -> tuple[RerankerRef, EngineRef]:
        preset = self._preset(checkpoint, spec)
        ref = RerankerRef(
            name=checkpoint.name,
            family=self.family,
            revision=checkpoint.revision,
            parameters=checkpoint.parameter_count(),
            dtype=dtype_of(spec),
            max_length=checkpoint.length_within(spec.max_length, default=preset.max_length),
            recipe={"architecture": checkpoint.architecture, **described(preset)},
        )
        return ref, engine_ref(spec)

    def _preset(self, checkpoint: checkpoints.Checkpoint, spec: RerankerSpec) -> Preset:
        return resolve(checkpoint, spec, self.presets, self.forwards)


CAUSAL_LM = Factory(
    family="causal-lm",
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
SEQ_TO_SEQ = Factory(
    family="seq2seq",
    presets=SEQ2SEQ,
    class_names={"answers": "AutoModelForSeq2SeqLM"},
    forwards={"answers": answers.encoder_decoder},
    left=False,
)
