"""The content of one reranker's card: its ranks, its games, its figures.

Everything comes from records and the list of known models. None means not measured or not
known; it is never shown as zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

from rerankbench.compare.rated import RatedTask, TaskRatings
from rerankbench.compare.rated_words import method
from rerankbench.compare.ratings import RatedReranker
from rerankbench.known import models
from rerankbench.known.models import KnownModel
from rerankbench.report.card import notes, places
from rerankbench.report.card.places import RankedFigure
from rerankbench.results import derived, grouping, row_names
from rerankbench.results.figures import PARAMETERS
from rerankbench.stats import order
from rerankbench.types import Record

SHOWN_METRICS = ("nDCG@5", "nDCG@10", "Recall@5", "Recall@10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Times of successful single requests in milliseconds; `failed` attempts are not included."""

    mean_ms: float
    p50_ms: float
    p90_ms: float
    count: int
    failed: int
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard:
    """Results of the reranker on one task, on which `of` rerankers are ranked.

    `metrics` has None for those that its record lacks, and is over `queries` queries; games were
    played on `played_queries`.
    """

    title: str
    standing: RatedReranker
    of: int
    queries: int
    played_queries: int
    metrics: Mapping[str, float | None]
    relevance_level: int
    requests: Requests | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """The whole card.

    `facts` are label → value. `tasks` and `others`, the opponents, are in the order of their
    ratings, the highest first. `judge` is None where the metric decided the games.
    """

    name: str
    description: str
    metric: str
    judge: str | None
    standing: RatedReranker
    rating: RankedFigure
    win_rate: RankedFigure
    quality: RankedFigure
    latency: RankedFigure
    facts: Mapping[str, str | None]
    tasks: tuple[TaskCard, ...]
    others: tuple[str, ...]
    method: tuple[str, ...]
    cautions: tuple[str, ...]


def make_card(rated: TaskRatings, name: str) -> Card:
    """The card of a rated reranker. Raises UsageError with the nearest name for any other."""
    standing = rated.overall.find(name)
    if standing is None:
        names = [each.name for each in rated.overall.standings]
        raise row_names.unknown(name, names, kind="rated reranker", where="")
    records = [task.records[name] for task in rated.tasks if name in task.records]
    known = models.find(row_names.without_settings(name))
    tasks = [
        _task_card(task, played, rated.metric)
        for task in rated.tasks
        if (played := task.ratings.find(name)) is not None
    ]
    return Card(
        name=name,
        description=known.note if known else "",
        metric=rated.metric,
        judge=rated.judged.judge if rated.judged else None,
        standing=standing,
        rating=places.rating(rated, standing),
        win_rate=places.win_rate(rated, standing),
        quality=places.quality(rated, standing),
        latency=places.latency(rated, standing),
        facts=_facts(grouping.newest_of_all(records), standing, known),
        tasks=tuple(sorted(tasks, key=lambda task: (-task.standing.rating, task.title))),
        others=tuple(other.name for other in rated.overall.standings if other.name != name),
        method=tuple(_method(rated)),
        cautions=tuple(notes.cautions(rated, standing)),
    )


def _method(rated: TaskRatings) -> Iterator[str]:
    yield from method(rated)
    yield (
        "Latency is the median over the collections of the median request. It is ranked among "
        "those that were timed on all of them on the same machine and device. Failed requests are "
        "in no figure."
    )


def _task_card(task: RatedTask, standing: RatedReranker, metric: str) -> TaskCard:
    record = task.records[standing.name]
    return TaskCard(
        title=task.title,
        standing=standing,
        of=task.ratings.ranked,
        queries=derived.query_count(record),
        played_queries=sum(task.ratings.queries.values()),
        metrics={
            name: derived.mean_of(record, name) for name in dict.fromkeys((*SHOWN_METRICS, metric))
        },
        relevance_level=record.cell.collection.relevance_level,
        requests=_requests(record),
    )


def _requests(record: Record) -> Requests | None:
    latency = record.measurements.latency
    if latency is None or not latency.requests_s:
        return None
    p50, p90 = (order.percentile(latency.requests_s, p) for p in (50, 90))
    return Requests(
        mean_ms=1000 * fmean(latency.requests_s),
        p50_ms=1000 * p50,
        p90_ms=1000 * p90,
        count=len(latency.requests_s),
        failed=len(record.measurements.failed_attempts_s),
        machine=derived.machine(record),
    )


def _facts(
    record: Record, standing: RatedReranker, known: KnownModel | None
) -> dict[str, str | None]:
    """Facts of the model and its newest run, which overrides the list of known models."""
    model, engine = record.cell.reranker, record.cell.engine
    price = model.price or (known.price if known else None)
    parameters = model.parameters or (known.parameters if known else None)
    length = model.max_length or (known.max_length if known else None)
    return {
        "Provider": known.provider if known else None,
        "Licence": known.licence if known else None,
        "Price": price.text if price else None,
        "Released": known.released if known else None,
        "Model name": known.name if known else model.name,
        "Family": model.family,
        PARAMETERS.head: PARAMETERS.show(parameters) if parameters else None,
        "Revision": model.revision,
        "Max length": f"{length:,} tokens" if length else None,
        "Numbers": model.dtype,
        "Engine": f"{engine.engine} on {engine.device}",
        "Total evaluations": f"{standing.games:,} games",
    }
