"""From rankings and judgments to values per query, and how much ties could change them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from rerankbench.errors import UsageError
from rerankbench.known import metric_name
from rerankbench.protocols import Metric, ProvidedMetric
from rerankbench.types import Qrels, Ranking, Run, Ties, as_float32

_TIES = "of neighbouring scores tie"
# Two raw float32 scores of one query rarely coincide: beyond this share they were made coarse.
TIE_RATE_LIMIT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingChecks:
    """What a reader of a cell's figures should know about its rankings."""

    queries_without_results: int
    ties: Ties | None
    warnings: tuple[str, ...]


def as_run(rankings: Iterable[Ranking]) -> Run:
    """Scores by query and document, the form that metrics take."""
    return {ranking.query_id: ranking.scores() for ranking in rankings}


def evaluate(
    qrels: Qrels, rankings: Iterable[Ranking], metrics: Sequence[Metric]
) -> dict[str, Mapping[str, float]]:
    """Name of each metric → {query_id: value}, over every query of the qrels.

    Raises UsageError for a value that is not finite, which a plug-in may return.
    """
    values = _computed(qrels, as_run(rankings), metrics)
    for name, of_queries in values.items():
        for query_id, value in of_queries.items():
            if not math.isfinite(value):
                problem = f"its value of query '{query_id}' is {value}, not a finite number"
                raise UsageError(f"metric {name}: {problem}; mend the metric or leave it out")
    return values


def _computed(qrels: Qrels, run: Run, metrics: Sequence[Metric]) -> dict[str, Mapping[str, float]]:
    """Name of each metric → its values; metrics of one provider are computed in one pass."""
    provided = [metric for metric in metrics if isinstance(metric, ProvidedMetric)]
    values: dict[str, Mapping[str, float]] = {}
    for provider in dict.fromkeys(metric.provider for metric in provided):
        together = [metric for metric in provided if metric.provider == provider]
        values.update(provider.per_query(together, qrels, run))
    for metric in metrics:
        if metric.name not in values:
            values[metric.name] = metric.per_query(qrels, run)
    return {metric.name: values[metric.name] for metric in metrics}


def without_results(qrels: Qrels, rankings: Iterable[Ranking]) -> int:
    """How many judged queries have no results in the rankings."""
    answered = {ranking.query_id for ranking in rankings if ranking.hits}
    return sum(query not in answered for query in qrels)


def without_relevant(qrels: Qrels, level: int = 1) -> list[str]:
    """The judged queries without any document of that grade or a higher one, in order."""
    return sorted(
        query for query, grades in qrels.items() if max(grades.values(), default=0) < level
    )


def audit(
    qrels: Qrels, rankings: Sequence[Ranking], metrics: Sequence[Metric], *, level: int = 1
) -> RankingChecks:
    """Queries that cannot score, ties beyond chance, and how they may change the headline.

    The headline is the first of the metrics. `level` is the lowest grade that counts as relevant
    in the collection; a metric may have another one.
    """
    headline = metrics[0]
    unanswered = without_results(qrels, rankings)
    ties = tie_audit(qrels, rankings, headline)
    warnings = []
    if unanswered:
        warnings.append(f"{unanswered} judged queries have no results and score 0")
    warnings += cannot_score(
        qrels, (level, *(metric_name.level(metric.name) for metric in metrics))
    )
    if ties and ties.rate > TIE_RATE_LIMIT:
        worst, best = f"{ties.worst:.4f}", f"{ties.best:.4f}"
        effect = (
            f"their order does not change {headline.name}"
            if worst == best
            else f"{headline.name} is between {worst} and {best} depending on their order"
        )
        warnings.append(f"{ties.rate:.1%} {_TIES}: {effect}")
    return RankingChecks(queries_without_results=unanswered, ties=ties, warnings=tuple(warnings))


def is_about_ties(warning: str) -> bool:
    """Whether a warning of `audit` tells of ties, which go with one ranking alone."""
    return f"% {_TIES}:" in warning


def cannot_score(qrels: Qrels, levels: Iterable[int]) -> Iterator[str]:
    """Warnings about queries that score 0 with any ranking, at these levels of relevance."""
    none = without_relevant(qrels)
    if none:
        yield (
            f"{len(none)} judged queries have no relevant document and score 0 "
            f"(first: '{none[0]}')"
        )
    known = set(none)
    for level in sorted(set(levels)):
        low = [query for query in without_relevant(qrels, level) if query not in known]
        if low:
            yield (
                f"{len(low)} judged queries have no document of grade {level} or more and score 0 "
                f"where rel={level} (first: '{low[0]}')"
            )


def tie_audit(qrels: Qrels, rankings: Sequence[Ranking], metric: Metric) -> Ties | None:
    """Share of neighbouring hits that tie, and the metric for the worst and best order of ties.

    None if no hits tie. Ties are broken by grade, to its disadvantage and advantage, in integer
    scores, so that the metric itself sees no tie.
    """
    rate = tie_rate(rankings)
    if not rate:
        return None
    worst = _mean_with_ties_broken(qrels, rankings, metric, sign=-1)
    best = _mean_with_ties_broken(qrels, rankings, metric, sign=1)
    return Ties(rate=rate, worst=worst, best=best)


def tie_rate(rankings: Iterable[Ranking]) -> float:
    """Share of neighbouring hits whose scores are equal as float32; 0 without neighbours."""
    neighbours = tied = 0
    for ranking in rankings:
        scores = as_float32(hit.score for hit in ranking.hits)
        neighbours += max(0, len(scores) - 1)
        tied += sum(before == after for before, after in pairwise(scores))
    return tied / neighbours if neighbours else 0.0


def _mean_with_ties_broken(
    qrels: Qrels, rankings: Sequence[Ranking], metric: Metric, *, sign: int
) -> float:
    run = {}
    for ranking in rankings:
        grades = qrels.get(ranking.query_id, {})
        scores = as_float32(hit.score for hit in ranking.hits)
        doc_ids = [hit.doc_id for hit in ranking.hits]
        ordered = sorted(
            zip(
                scores, (sign * grades.get(doc_id, 0) for doc_id in doc_ids), doc_ids, strict=True
            ),
            reverse=True,
        )
        run[ranking.query_id] = {
            doc_id: float(len(ordered) - rank) for rank, (_, _, doc_id) in enumerate(ordered)
        }
    return fmean(metric.per_query(qrels, run).values())


def as_trec_eval(values: Mapping[str, Mapping[str, float]], *, per_query: bool) -> str:
    """Values by metric and query in the lines of `trec_eval -c`, with `-q` where `per_query`."""
    # trec_eval.c prints "%-22s\t%s\t%6.4f", with -q query by query before the means.
    queries = next(iter(values.values()))
    lines = [
        f"{name:<22}\t{query}\t{by_query[query]:6.4f}"
        for query in (queries if per_query else ())
        for name, by_query in values.items()
    ]
    lines += [
        f"{name:<22}\tall\t{fmean(by_query.values()):6.4f}" for name, by_query in values.items()
    ]
    return "\n".join(lines)


def as_json(values: Mapping[str, Mapping[str, float]], *, per_query: bool) -> str:
    """Means by metric, the number of queries and, with `per_query`, every value."""
    summary: dict[str, object] = {
        name: fmean(by_query.values()) for name, by_query in values.items()
    }
    summary["queries"] = len(next(iter(values.values())))
    if per_query:
        summary["per_query"] = values
    return json.dumps(summary, indent=2)
