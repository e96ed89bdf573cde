"""A reranker's ranking joined with the first stage's, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rerankbench.types import Hit, Ranking

Method: TypeAlias = Literal["rrf", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """How two rankings of the same documents become one.

    `rrf` adds 1 / (k + rank), ranks counted from 1 (Cormack, Clarke and Büttcher, 2009, whose k is
    60). `linear` is weight · reranker + (1 − weight) · first stage, scores of each scaled to 0 … 1
    within the query; equal scores all become 0.
    """

    method: Method = "rrf"
    k: int = 60
    weight: float = 0.5

    @property
    def label(self) -> str:
        """What a fused reranker's name ends in."""
        return "RRF" if self.method == "rrf" else f"{self.weight:g} linear"

    @property
    def described(self) -> str:
        """As a record's recipe holds it."""
        how = f"k={self.k}" if self.method == "rrf" else f"min-max weight={self.weight:g}"
        return f"{self.method} {how}"

    def fuse(
        self, rankings: Sequence[Ranking], first_stage: Sequence[Ranking]
    ) -> tuple[Ranking, ...]:
        """One ranking for each query, given in the same order by both."""
        return tuple(self._one(*pair) for pair in zip(rankings, first_stage, strict=True))

    def _one(self, ranking: Ranking, first: Ranking) -> Ranking:
        known = {hit.doc_id for hit in ranking.hits}
        hits = tuple(hit for hit in first.hits if hit.doc_id in known)
        before = Ranking.sort(first.query_id, hits)
        if self.method == "rrf":
            parts = [(1.0, self._reciprocal(ranking)), (1.0, self._reciprocal(before))]
        else:
            parts = [(self.weight, _scaled(ranking)), (1.0 - self.weight, _scaled(before))]
        return Ranking.sort(
            ranking.query_id,
            (
                Hit(doc_id=doc_id, score=sum(factor * part[doc_id] for factor, part in parts))
                for doc_id in sorted(known)
            ),
        )

    def _reciprocal(self, ranking: Ranking) -> Mapping[str, float]:
        return {hit.doc_id: 1.0 / (self.k + rank) for rank, hit in enumerate(ranking.hits, 1)}


def _scaled(ranking: Ranking) -> Mapping[str, float]:
    scores = ranking.scores()
    least = min(scores.values(), default=0.0)
    width = max(scores.values(), default=0.0) - least
    return {doc_id: (score - least) / width if width else 0.0 for doc_id, score in scores.items()}
