"""Shared by families of local checkpoints: finding, describing and identifying them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rerankbench.protocols import EngineChoice, Reranker, RerankerSpec
from rerankbench.rerankers.dtype import dtype_of
from rerankbench.rerankers.engines.choice import torch_alone
from rerankbench.rerankers.files import source
from rerankbench.rerankers.files.checkpoint import Checkpoint
from rerankbench.rerankers.recipe import Recipe, read
from rerankbench.types import EngineRef, Reads, RerankerRef, Scale

Settings = TypeVar("Settings", bound=Recipe)
Description = TypeVar("Description")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefFacts:
    """What decides a checkpoint's scores besides its weights, for its `RerankerRef`.

    Name and dtype are the checkpoint's and the machine's unless the family says others.
    """

    max_length: int
    recipe: Mapping[str, Any]
    name: str | None = None
    dtype: str | None = None
    reads: Reads = "pairs"
    scale: Scale = "logit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadableModel(Generic[Description]):
    """A model whose files were read up to its weights; `description` is its family's own."""

    factory: CheckpointFactory[Any, Description]
    checkpoint: Checkpoint
    spec: RerankerSpec
    description: Description
    ref: RerankerRef

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """How a job of about that many pairs runs. Raises UsageError for an unknown engine."""
        return self.factory.choose_engine(self, pairs)

    def load(self, engine: EngineRef) -> Reranker[Any]:
        """Load tokeniser and weights onto the engine's device. Raises ModelError."""
        return self.factory.build(self, engine)

    @property
    def max_length(self) -> int:
        """Tokens that the model reads at most."""
        assert self.ref.max_length is not None
        return self.ref.max_length


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointFactory(ABC, Generic[Settings, Description]):
    """Finds and identifies the checkpoints of one family, which says what is its own.

    `recipe` are the settings that a config may give.
    """

    family: str
    recipe: type[Settings]
    scores_documents: bool = True

    def identify(self, spec: RerankerSpec) -> LoadableModel[Description]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = self.find(spec)
        description, facts = self.describe(checkpoint, spec, read(spec, self.recipe))
        ref = RerankerRef(
            name=facts.name or checkpoint.name,
            family=self.family,
            revision=checkpoint.revision,
            parameters=checkpoint.parameter_count(),
            dtype=facts.dtype or dtype_of(spec, checkpoint.config),
            max_length=facts.max_length,
            recipe={"architecture": checkpoint.architecture, **facts.recipe},
            reads=facts.reads,
            scale=facts.scale,
        )
        loadable = LoadableModel(
            factory=self, checkpoint=checkpoint, spec=spec, description=description, ref=ref
        )
        # An unknown engine is refused before any work.
        loadable.choose_engine()
        return loadable

    def find(self, spec: RerankerSpec) -> Checkpoint:
        """The checkpoint, where this family can read it. Raises ModelError."""
        return source.checkpoint_of(spec)

    @abstractmethod
    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: Settings
    ) -> tuple[Description, RefFacts]:
        """What files and recipe say, for loading and for the record.

        Raises ModelError, UsageError.
        """

    def choose_engine(
        self, loadable: LoadableModel[Description], pairs: int | None
    ) -> EngineChoice:
        """Torch, unless the family has other engines."""
        return torch_alone(loadable.spec)

    @abstractmethod
    def build(self, loadable: LoadableModel[Description], engine: EngineRef) -> Reranker[Any]:
        """Load tokeniser and weights. Raises ModelError."""
