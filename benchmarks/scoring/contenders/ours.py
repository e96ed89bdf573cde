"""rerankbench itself, by the path that `rerankbench run` takes."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.scoring.contenders.contract import Setup
from rerankbench.protocols import Job, RerankerSpec
from rerankbench.registry.naming import find_factory, load_reranker
from rerankbench.types import Candidates


class Ours:
    """`ours[:ENGINE[:DTYPE]]`; what is left out is the program's own choice."""

    batch_size: int | None = None

    def __init__(self, name: str, setup: Setup) -> None:
        """Load the checkpoint with the named engine. Raises UsageError, ModelError."""
        _, engine, dtype = (*name.split(":"), "", "")[:3]
        spec = RerankerSpec(
            model=str(setup.model),
            engine=engine or "auto",
            dtype=dtype or None,
            device="cpu",
            threads=setup.threads,
        )
        self._reranker = load_reranker(find_factory(spec.model), spec)
        engine_ref = self._reranker.engine
        self.dtype = self._reranker.ref.dtype or "float32"
        self.settings = f"engine {engine_ref.engine}, {engine_ref.batch_tokens} tokens a batch"

    def score(self, candidates: Sequence[Candidates]) -> list[float]:
        """Prepare and score one job."""
        scores = [0.0] * sum(len(each.documents) for each in candidates)
        for batch in self._reranker.score(self._reranker.prepare(Job(candidates=candidates))):
            for pair, score in zip(batch.pairs, batch.scores, strict=True):
                scores[pair] = score
        return scores
