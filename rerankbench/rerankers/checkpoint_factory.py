"""What families of local checkpoints share: finding, describing and identifying them once."""

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
    """What a family knows of a checkpoint, for its `RerankerRef`."""

    max_length: int
    recipe: Mapping[str, Any]
    reads: Reads = "pairs"
    scale: Scale = "logit"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadableCheckpoint(Generic[Description]):
    """A checkpoint whose files were read up to its weights; `description` is its family's own."""

    factory: CheckpointFactory[Any, Description]
    checkpoint: Checkpoint
    spec: RerankerSpec
    description: Description
    ref: RerankerRef

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """How a job of about so many pairs runs. Raises UsageError for an unknown engine."""
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

    def identify(self, spec: RerankerSpec) -> LoadableCheckpoint[Description]:
        """What will be run, from the checkpoint's files alone. Raises ModelError, UsageError."""
        checkpoint = self.find(spec)
        description = self.describe(checkpoint, spec, read(spec, self.recipe))
        facts = self.ref_facts(checkpoint, spec, description)
        ref = RerankerRef(
            name=self.name_of(checkpoint, spec),
            family=self.family,
            revision=checkpoint.revision,
            parameters=checkpoint.parameter_count(),
            dtype=self.dtype_of(checkpoint, spec),
            max_length=facts.max_length,
            recipe={"architecture": checkpoint.architecture, **facts.recipe},
            reads=facts.reads,
            scale=facts.scale,
        )
        loadable = LoadableCheckpoint(
            factory=self, checkpoint=checkpoint, spec=spec, description=description, ref=ref
        )
        # An engine that is none is refused before any work.
        loadable.choose_engine()
        return loadable

    def find(self, spec: RerankerSpec) -> Checkpoint:
        """The checkpoint, where this family can read it. Raises ModelError."""
        return source.checkpoint_of(spec)

    def name_of(self, checkpoint: Checkpoint, spec: RerankerSpec) -> str:
        """What its row is called."""
        return checkpoint.name

    def dtype_of(self, checkpoint: Checkpoint, spec: RerankerSpec) -> str:
        """What it computes in. Raises UsageError where it cannot."""
        return dtype_of(spec, checkpoint.config)

    @abstractmethod
    def describe(
        self, checkpoint: Checkpoint, spec: RerankerSpec, recipe: Settings
    ) -> Description:
        """What the files and the recipe say. Raises ModelError, UsageError."""

    @abstractmethod
    def ref_facts(
        self, checkpoint: Checkpoint, spec: RerankerSpec, description: Description
    ) -> RefFacts:
        """What decides its scores besides the weights."""

    def choose_engine(
        self, loadable: LoadableCheckpoint[Description], pairs: int | None
    ) -> EngineChoice:
        """Torch, unless the family has other engines."""
        return torch_alone(loadable.spec)

    @abstractmethod
    def build(self, loadable: LoadableCheckpoint[Description], engine: EngineRef) -> Reranker[Any]:
        """Load tokeniser and weights. Raises ModelError."""
