"""trec_eval's measures, computed by pytrec_eval and named as papers write them.

Definitions are trec_eval's: linear gain and log2(rank + 1) in nDCG, negative grades count as 0,
grade 1 and above is relevant, or grade N and above in `MAP(rel=N)` (trec_eval's `-l N`). Every
query of the qrels gets a value (trec_eval's `-c`). Scores are compared as float32, as trec_eval
9.0.8 holds them: what differs by less ties, and falls by doc_id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rerankbench.errors import UsageError
from rerankbench.known import metric_name
from rerankbench.metrics.named import NamedMetric
from rerankbench.types import Qrels, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class TrecEvalMeasure:
    """One trec_eval measure under the name that users write.

    `is_graded` says that it counts the grades themselves, so that no level decides.
    """

    name: str
    measure: str
    """As trec_eval takes it: `ndcg_cut.10`."""
    key: str
    """As pytrec_eval gives it back: `ndcg_cut_10`."""
    finish: Callable[[float], float] = float
    level: int = 1
    is_graded: bool = False

    def at_level(self, level: int) -> TrecEvalMeasure:
        """The same measure with that grade as the lowest which is relevant. Raises UsageError."""
        if level == self.level:
            return self
        if self.is_graded:
            raise UsageError(f"{self.name} counts the grades themselves: leave (rel={level}) out")
        return replace(self, name=metric_name.at_level(self.name, level), level=level)

    def per_query(self, qrels: Qrels, run: Run) -> Mapping[str, float]:
        """One value per query of the qrels, in their order; 0 where the run has nothing."""
        return self.provider.per_query([self], qrels, run)[self.name]

    @property
    def provider(self) -> TrecEval:
        return TrecEval()


@dataclass(frozen=True, slots=True)
class TrecEval:
    """Computes all measures of one level of relevance together."""

    def per_query(
        self, metrics: Sequence[TrecEvalMeasure], qrels: Qrels, run: Run
    ) -> Mapping[str, Mapping[str, float]]:
        """Name of each measure → one value per query of the qrels, in their order."""
        import pytrec_eval

        judged = _plain(qrels)
        answered = {query: dict(scores) for query, scores in run.items() if scores}
        values: dict[str, Mapping[str, float]] = {}
        for level in {metric.level for metric in metrics}:
            chosen = [metric for metric in metrics if metric.level == level]
            measures = {metric.measure for metric in chosen}
            evaluator = pytrec_eval.RelevanceEvaluator(judged, measures, relevance_level=level)
            results = evaluator.evaluate(answered)
            for metric in chosen:
                values[metric.name] = {
                    query: metric.finish(results[query][metric.key]) if query in results else 0.0
                    for query in qrels
                }
        return values


def _plain(qrels: Qrels) -> dict[str, dict[str, int]]:
    # trec_eval's measures read grades below 0 as 0; left to it, they corrupt pytrec_eval's memory.
    return {
        query: {doc_id: max(0, grade) for doc_id, grade in grades.items()}
        for query, grades in qrels.items()
    }


def _ndcg(cutoff: int | None) -> TrecEvalMeasure:
    """nDCG@k with linear gain (Järvelin & Kekäläinen 2002, as in trec_eval's m_ndcg_cut.c)."""
    made = _cut("nDCG", "ndcg_cut", cutoff) if cutoff else _whole("nDCG", "ndcg")
    return replace(made, is_graded=True)


def _average_precision(cutoff: int | None) -> TrecEvalMeasure:
    """MAP over the whole ranking, or over its first k (divided by all relevant documents)."""
    return _cut("MAP", "map_cut", cutoff) if cutoff else _whole("MAP", "map")


def _recall(cutoff: int | None) -> TrecEvalMeasure:
    """Share of the relevant documents among the first k."""
    return _cut("Recall", "recall", _needed("Recall", cutoff))


def _precision(cutoff: int | None) -> TrecEvalMeasure:
    """Share of the first k that is relevant."""
    return _cut("P", "P", _needed("P", cutoff))


def _reciprocal_rank(cutoff: int | None) -> TrecEvalMeasure:
    """1 / rank of the first relevant document; beyond rank k it is 0 (MS MARCO's MRR@10)."""
    if cutoff is None:
        return _whole("MRR", "recip_rank")
    # A value below 1/k can only come from a rank beyond k; half a rank of slack absorbs rounding.
    least = 1.0 / (cutoff + 0.5)
    return TrecEvalMeasure(
        name=f"MRR@{cutoff}",
        measure="recip_rank",
        key="recip_rank",
        finish=lambda value: value if value > least else 0.0,
    )


def _cut(name: str, measure: str, cutoff: int) -> TrecEvalMeasure:
    return TrecEvalMeasure(
        name=f"{name}@{cutoff}", measure=f"{measure}.{cutoff}", key=f"{measure}_{cutoff}"
    )


def _whole(name: str, measure: str) -> TrecEvalMeasure:
    return TrecEvalMeasure(name=name, measure=measure, key=measure)


def _needed(name: str, cutoff: int | None) -> int:
    if cutoff is None:
        raise UsageError(f"metric '{name}' needs a cutoff; write for example {name}@10")
    return cutoff


ndcg = NamedMetric(
    create=_ndcg,
    names_elsewhere={"trec_eval": "ndcg_cut", "ir_measures": "nDCG", "mteb": "ndcg"},
)
average_precision = NamedMetric(
    create=_average_precision,
    names_elsewhere={"trec_eval": "map_cut", "ir_measures": "AP", "mteb": "map"},
)
reciprocal_rank = NamedMetric(
    create=_reciprocal_rank,
    names_elsewhere={"trec_eval": "recip_rank", "ir_measures": "RR", "mteb": "mrr"},
)
recall = NamedMetric(
    create=_recall,
    names_elsewhere={"trec_eval": "recall", "ir_measures": "R", "mteb": "recall"},
)
precision = NamedMetric(
    create=_precision,
    names_elsewhere={"trec_eval": "P", "ir_measures": "P", "mteb": "precision"},
)
