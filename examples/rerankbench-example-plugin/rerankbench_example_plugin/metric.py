"""Success@k: 1 for a query with a relevant document among the first k, else 0."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rerankbench import Qrels, Run


@dataclass(frozen=True, kw_only=True)
class Success:
    """The metric for one cutoff; grade 1 and above is relevant."""

    name: str
    cutoff: int

    def per_query(self, qrels: Qrels, run: Run) -> Mapping[str, float]:
        """A value for every query of the qrels; those without results score 0."""
        return {query: self._value(grades, run.get(query, {})) for query, grades in qrels.items()}

    def _value(self, grades: Mapping[str, int], scores: Mapping[str, float]) -> float:
        # Falling score, then falling id: trec_eval's rule for ties.
        ranked = sorted(scores, key=lambda doc_id: (scores[doc_id], doc_id), reverse=True)
        return float(any(grades.get(doc_id, 0) > 0 for doc_id in ranked[: self.cutoff]))


def success(cutoff: int | None) -> Success:
    """The metric that `Success@5` names; `Success` alone is `Success@10`."""
    cutoff = cutoff or 10
    return Success(name=f"Success@{cutoff}", cutoff=cutoff)
