"""The models of a run: located, identified, with distinct names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rerankbench.errors import UsageError
from rerankbench.protocols import EngineChoice, LoadableReranker, RerankerFactory, RerankerSpec
from rerankbench.run.config import ModelConfig, RunConfig
from rerankbench.run.fusion import Fusion
from rerankbench.run.given import NOTHING, Given
from rerankbench.types import RerankerRef


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedModel:
    """A model that the config names and that was identified.

    `ref` is the loadable's with what the config adds: a price, a name, a fusion.
    """

    factory: RerankerFactory
    spec: RerankerSpec
    loadable: LoadableReranker
    ref: RerankerRef
    fusion: Fusion | None = None

    def choose_engine(self, pairs: int) -> EngineChoice:
        """How a job of so many pairs will be run."""
        return self.loadable.choose_engine(pairs)


def entries(config: RunConfig) -> list[ModelConfig]:
    """The requested models, preceded by the first stage's own row, which every table needs."""
    if any(entry.model == "bm25" for entry in config.models):
        return list(config.models)
    return [ModelConfig(model="bm25"), *config.models]


def reranker_spec(
    entry: ModelConfig, config: RunConfig, device: str, threads: int
) -> RerankerSpec:
    """What the factory needs: the model's own keys, else the run's."""
    dtype = entry.dtype or config.dtype
    return RerankerSpec(
        model=entry.model,
        name=entry.name,
        family=entry.family,
        recipe=entry.recipe,
        revision=entry.revision,
        trust_remote_code=entry.trust_remote_code,
        device=device,
        dtype=None if dtype == "auto" else dtype,
        engine=entry.engine or config.engine,
        threads=threads,
        batch_tokens=entry.batch_tokens or config.batch_tokens,
        max_length=entry.max_length or config.max_length,
    )


def identify(
    entry: ModelConfig, config: RunConfig, device: str, threads: int, given: Given = NOTHING
) -> PlannedModel:
    """Find a model and say what it is, without loading it. Raises ModelError, UsageError."""
    if entry.trust_remote_code and entry.revision is None and not Path(entry.model).is_dir():
        raise UsageError(
            f"{entry.model}: trust_remote_code needs the revision to trust; add 'revision: COMMIT'"
        )
    spec = reranker_spec(entry, config, device, threads)
    factory = given.find_factory(entry.model, entry.family)
    loadable = factory.identify(spec)
    ref = replace(loadable.ref, price=entry.price)
    fusion = entry.fusion
    if fusion is not None:
        name = fusion.named(entry.name or ref.name)
        recipe = {**ref.recipe, "fusion": fusion.described}
        ref = replace(ref, name=name, recipe=recipe, fusion=fusion.described)
    return PlannedModel(factory=factory, spec=spec, loadable=loadable, ref=ref, fusion=fusion)


def refuse_twins(models: Sequence[PlannedModel]) -> None:
    """Raise UsageError for two models of one name, which a table could not distinguish."""
    seen: dict[str, RerankerRef] = {}
    for model in models:
        twin = seen.setdefault(model.ref.name, model.ref)
        if twin is not model.ref:
            raise UsageError(
                f"two models are called '{model.ref.name}'; give one another name in a config: "
                f"{{model: {model.spec.model}, name: …}}"
            )
