"""Fuses a reranker's ranking with the first stage's, query by query.

Equal scores (as float32, as everywhere) share a rank, so a reranker that ties all leaves the
first stage's order, and no document gains from its id.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Le
from pydantic import Field

from rerankbench.types import Hit, Ranking, Share, as_float32

Method: TypeAlias = Literal["rrf", "linear"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fusion:
    """How two rankings of the same documents become one.

    `rrf` adds 1 / (k + rank) (Cormack, Clarke and Büttcher, 2009, whose k is 60); in either list a
    document's rank is 1 and how many scored higher. `linear` is weight · reranker + (1 − weight) ·
    first stage, scores of each scaled to 0 … 1 within the query; equal scores all become 0.
    """

    method: Annotated[
        Method, Field(description="`rrf` adds reciprocal ranks, `linear` scores")
    ] = "rrf"
    k: Annotated[
        int, Ge(1), Le(2**31 - 1), Field(description="of `rrf`: 1 / (k + rank) is added")
    ] = 60
    weight: Annotated[Share, Field(description="of `linear`: the reranker's share")] = 0.5

    @property
    def label(self) -> str:
        """The suffix of a fused reranker's name."""
        return "RRF" if self.method == "rrf" else f"{self.weight:g} linear"

    @property
    def described(self) -> str:
        """The description in a record's recipe."""
        if self.method == "rrf":
            return f"rrf k={self.k}, equal scores share a rank"
        return f"linear min-max weight={self.weight:g}"

    def named(self, name: str) -> str:
        """The name of a fused reranker's row, which says how it was fused."""
        return name if self.method in name.casefold() else f"{name} + {self.label}"

    def fuse(
        self, rankings: Sequence[Ranking], first_stage: Sequence[Ranking]
    ) -> tuple[Ranking, ...]:
        """One ranking for each query; both arguments have the same order of queries."""
        return tuple(self._one(*pair) for pair in zip(rankings, first_stage, strict=True))

    def _one(self, ranking: Ranking, first: Ranking) -> Ranking:
        reranked_ids = {hit.doc_id for hit in ranking.hits}
        before = Ranking.sort(
            first.query_id, (hit for hit in first.hits if hit.doc_id in reranked_ids)
        )
        if self.method == "rrf":
            parts = [(1.0, self._reciprocal(ranking)), (1.0, self._reciprocal(before))]
        else:
            parts = [(self.weight, _scaled(ranking)), (1.0 - self.weight, _scaled(before))]
        doc_ids = sorted(reranked_ids)
        sums = (sum(factor * part[doc_id] for factor, part in parts) for doc_id in doc_ids)
        hits = (Hit._make(pair) for pair in zip(doc_ids, sums, strict=True))
        return Ranking.sort(ranking.query_id, hits)

    def _reciprocal(self, ranking: Ranking) -> Mapping[str, float]:
        return {doc_id: 1.0 / (self.k + rank) for doc_id, rank in shared_ranks(ranking).items()}


def shared_ranks(ranking: Ranking) -> Mapping[str, int]:
    """doc_id → 1 + the number of documents with a higher score: 1, 2, 2, 4."""
    ranks: dict[str, int] = {}
    rank, last = 0, None
    for at, (doc_id, score) in enumerate(_single(ranking).items(), start=1):
        rank, last = (rank, last) if score == last else (at, score)
        ranks[doc_id] = rank
    return ranks


def _single(ranking: Ranking) -> dict[str, float]:
    """Scores as float32, in the ranking's order."""
    single = as_float32(hit.score for hit in ranking.hits)
    return dict(zip((hit.doc_id for hit in ranking.hits), single, strict=True))


def _scaled(ranking: Ranking) -> Mapping[str, float]:
    scores = _single(ranking)
    least = min(scores.values(), default=0.0)
    width = max(scores.values(), default=0.0) - least
    return {doc_id: (score - least) / width if width else 0.0 for doc_id, score in scores.items()}
