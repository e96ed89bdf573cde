"""Cross-encoders: any Hugging Face sequence classifier.

One label is scored by its raw logit. Of two labels (monoBERT, monoELECTRA) the relevant one is
scored by the difference of their logits, which orders pairs as its probability does; of more, by
its log-odds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

from rerankbench.errors import ModelError
from rerankbench.protocols import EngineChoice, Job, RerankerSpec
from rerankbench.rerankers import loading, padding
from rerankbench.rerankers.checkpoint_factory import CheckpointFactory, LoadableModel, RefFacts
from rerankbench.rerankers.dtype import default_dtype
from rerankbench.rerankers.engines.build import build, eager, loading_dtype
from rerankbench.rerankers.engines.choice import choose
from rerankbench.rerankers.engines.tables import tables_of
from rerankbench.rerankers.files import classifier as classifiers
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import NO_ARCHITECTURE, Checkpoint
from rerankbench.rerankers.files.classifier import Classifier
from rerankbench.rerankers.pair_encoding import (
    TRUNCATION,
    EncodedPairs,
    Template,
    encode,
    template_of,
)
from rerankbench.rerankers.pointwise import PointwiseReranker
from rerankbench.rerankers.recipe import ClassifierRecipe
from rerankbench.rerankers.token_check import TokenCheck
from rerankbench.types import EngineRef

_TASK = "sequence-classification"


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEncoderFactory(CheckpointFactory[ClassifierRecipe, Classifier]):
    """Finds, identifies and loads cross-encoders; `folder` fixes which one, `name` what it is."""

    folder: Path | None = None
    name: str | None = None

    def find(self, spec: RerankerSpec) -> Checkpoint:
        """The checkpoint of the folder or of the spec. Raises ModelError."""
        return source.find(
            str(self.folder or spec.model),
            name=spec.name or self.name,
            revision=spec.revision,
            with_code=spec.trust_remote_code,
        )

    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: ClassifierRecipe
    ) -> tuple[Classifier, RefFacts]:
        """What is read of a pair, and which label is scored. Raises ModelError, UsageError."""
        unnamed = checkpoint.architecture == NO_ARCHITECTURE
        if not checkpoint.is_classifier and not unnamed:
            raise ModelError(
                f"{checkpoint.name}: {checkpoint.architecture} is no sequence classifier; "
                "name a cross-encoder, whose config.json says …ForSequenceClassification"
            )
        classifier = classifiers.describe(checkpoint, recipe)
        reading = classifier.reading
        if reading is not None and (reading.chat is not None or reading.task != _TASK):
            what = "chat messages" if reading.chat is not None else f"pairs for {reading.task}"
            raise ModelError(
                f"{checkpoint.name}: sentence-transformers saved it as reading {what}, which is "
                f"not supported for {checkpoint.architecture:.50}; name a model that reads text "
                "pairs and writes labels"
            )
        in_int8 = spec.dtype == "int8"
        usual = "float32" if spec.engine == "onnx" else default_dtype(spec, checkpoint.config)
        return classifier, RefFacts(
            # What int8 changes is for no reader to overlook.
            name=f"{checkpoint.name} (int8)" if in_int8 else None,
            dtype=spec.dtype or usual,
            max_length=checkpoint.length_within(
                spec.max_length, saved=None if reading is None else reading.max_length
            ),
            recipe={
                "score": classifier.label.score,
                "truncation": TRUNCATION,
                **classifier.as_recipe(),
                **({"weights": "int8, of 7 bits"} if in_int8 else {}),
            },
        )

    def choose_engine(
        self, loadable: LoadableModel[Classifier], pairs: int | None
    ) -> EngineChoice:
        """What was asked for, or the fastest. Raises UsageError for a name that is none."""
        reading = loadable.description.reading
        spec = replace(loadable.spec, dtype=loadable.ref.dtype)
        if reading is not None and reading.float32 and spec.dtype not in ("float32", "int8"):
            # Only torch computes single layers in another dtype.
            spec = replace(spec, engine="torch")
        checkpoint = loadable.checkpoint
        return choose(spec, checkpoint.config, checkpoint.parameter_count(), pairs)

    def build(self, loadable: LoadableModel[Classifier], engine: EngineRef) -> PointwiseReranker:
        """Load tokeniser and weights onto the device. Raises ModelError."""
        import torch

        ref, classifier, device = loadable.ref, loadable.description, loading.ready(engine)
        tokenizer = loading.tokenizer(loadable, classifier.reading)
        notes: list[str] = [*classifier.cautions]
        model = loading.model(
            loadable,
            "AutoModelForSequenceClassification",
            dtype=loading_dtype(engine.engine, str(ref.dtype)),
            trained_as="a classifier",
            reading=classifier.reading,
            notes=notes,
        )
        # Before an engine takes the model apart.
        check = TokenCheck(name=ref.name, tokenizer=tokenizer, tables=tables_of(model))
        model, template = model.to(device), template_of(tokenizer)
        sample: Any = partial(_cut_to, tokenizer, template)
        padded = padding.of_classifier(
            model, tokenizer, ref, sample, lambda side: eager(model, device, left=side == "left")
        )
        running = build(
            engine,
            model,
            dtype=str(ref.dtype),
            with_types="token_type_ids" in tokenizer.model_input_names,
            device=device,
            threads=engine.threads or torch.get_num_threads(),
            left=padded.side == "left",
        )
        if engine.engine in ("onnx", "openvino"):
            padding.check_engine(running, padded, ref, sample)
        reranker = PointwiseReranker(
            ref=ref,
            engine_ref=engine,
            engine=running,
            encode=partial(
                encode,
                tokenizer,
                max_length=loadable.max_length,
                template=template,
                prompt=classifier.prompt,
            ),
            check=check,
            device=device,
            about=loading.about(loadable.checkpoint, tokenizer),
            label=classifier.label.index,
            as_saved=True,
            notes=notes,
        )
        padding.settle(reranker, padded)
        return reranker


FACTORY = CrossEncoderFactory(family=_TASK, recipe=ClassifierRecipe)
DEMO = replace(
    FACTORY,
    folder=Path(str(package_files("rerankbench") / "rerankers" / "demo-cross-encoder")),
    name="demo-cross-encoder",
)


def _cut_to(tokenizer: Any, template: Template, job: Job, max_length: int) -> EncodedPairs:
    return encode(tokenizer, job, max_length, template)
