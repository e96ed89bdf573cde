"""A reranker that scores a document by the share of words that it has in common with the query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rerankbench import EngineChoice, EngineRef, Job, RerankerRef, RerankerSpec, ScoredBatch
from rerankbench_example_plugin.words import overlap, words


class Overlap:
    """The loaded reranker. A model would hold its weights here."""

    attention_kernel: str | None = None

    def __init__(self, ref: RerankerRef, engine: EngineRef) -> None:
        self.ref = ref
        self.engine = engine

    def prepare(self, job: Job) -> Job:
        """A model would tokenise here; this step is timed apart from `score`."""
        return job

    def score(self, prepared: Job) -> Iterator[ScoredBatch]:
        """One batch a query. `pairs` are the places of its pairs in the whole job."""
        for candidates, pairs in zip(prepared.candidates, prepared.pairs(), strict=True):
            if prepared.done.issuperset(pairs):
                continue  # An earlier run that was stopped has scored this query.
            query = words(candidates.query.text)
            texts = [words(f"{each.title} {each.text}") for each in candidates.documents]
            yield ScoredBatch(
                pairs=pairs,
                scores=[overlap(query, text) for text in texts],
                tokens=sum(map(len, texts)),
                padded_tokens=sum(map(len, texts)),
            )

    def warnings(self) -> Sequence[str]:
        return ()

    def peak_device_bytes(self) -> int | None:
        return None


@dataclass(frozen=True)
class LoadableOverlap:
    """What was identified; a model would keep the place of its files here."""

    ref: RerankerRef

    def choose_engine(self, pairs: int | None = None) -> EngineChoice:
        """How it runs. The number of pairs may decide this, the scores never."""
        return EngineChoice(engine=EngineRef(engine="python", device="cpu"))

    def load(self, engine: EngineRef) -> Overlap:
        return Overlap(self.ref, engine)


class Factory:
    """How rerankbench finds out what will be run."""

    scores_documents = True

    def identify(self, spec: RerankerSpec) -> LoadableOverlap:
        """Cheap: called to plan a run. The revision must change when the scores would."""
        return LoadableOverlap(
            RerankerRef(name=spec.name or "overlap", family="overlap", revision="1")
        )


FACTORY = Factory()
