"""A card's figures as tables, for Markdown and HTML; missing figures are stated in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from rerankbench.compare.rated import TaskRatings
from rerankbench.compare.ratings import RatedReranker
from rerankbench.leaderboard.table import Entry, Header, Row, Table, table_of
from rerankbench.report.card import places, words
from rerankbench.report.card.card import Card, Requests, TaskCard
from rerankbench.report.card.places import RankedFigure

_NAMES = frozenset({"Reranker", "Collection", "Result"})


def headline(card: Card) -> tuple[tuple[str, Entry, str], ...]:
    """The lines at the top: label, figure, rank."""
    by = f" by {card.judge}" if card.judge else ""
    return (
        (f"Rating{by}", _rating(card.standing), words.rank(card.rating)),
        (
            f"Win rate{by}",
            Entry(value=words.percent(card.win_rate.value)),
            words.rank(card.win_rate),
        ),
        (f"Accuracy ({card.metric})", _number(card.quality.value, 3), words.rank(card.quality)),
        (
            "Latency (P50)",
            _milliseconds(card.latency.value),
            words.rank(card.latency),
        ),
    )


def headline_table(card: Card) -> Table:
    """The same as a table."""
    heads = (Header(text=""), Header(text="Value", align="right"), Header(text="Rank"))
    rows = (
        (Entry(value=label), entry, Entry(value=rank)) for label, entry, rank in headline(card)
    )
    return table_of(heads, rows)


def facts(card: Card) -> Table:
    """What is known of the model and its newest run."""
    return table_of(
        (Header(text="Fact"), Header(text="Value")),
        (
            (Entry(value=label), Entry(value=value or words.UNKNOWN))
            for label, value in card.facts.items()
        ),
    )


def games(card: Card) -> Table:
    """Wins, losses and ties with their shares."""
    standing = card.standing
    counts = {"Wins": standing.wins, "Losses": standing.losses, "Ties": standing.ties}
    return _table(
        "Performance record",
        ("Result", "Games", "Share"),
        [
            (
                Entry(value=label),
                _number(count, 0),
                Entry(value=words.percent(count / standing.games)),
            )
            for label, count in counts.items()
        ],
    )


def ratings(card: Card) -> Table:
    """One row a collection, the highest rating first."""
    return _table(
        "Rating by collection",
        ("Collection", "Rating (interval)", "Rank", "Win rate", "W-L-T", "Queries"),
        [
            (
                Entry(value=task.title),
                _rating(task.standing),
                Entry(value=words.rank(RankedFigure(rank=task.standing.rank, of=task.of))),
                Entry(value=words.percent(task.standing.win_rate)),
                Entry(value=task.standing.record_text),
                _number(task.played_queries, 0),
            )
            for task in card.tasks
        ],
    )


def accuracy(card: Card) -> Table:
    """One row a collection, one column a metric; a level of relevance other than 1 is stated."""
    metrics = list(card.tasks[0].metrics)
    return _table(
        "Accuracy by collection",
        ("Collection", *metrics, "Queries"),
        [
            (
                Entry(value=task.title + _level(task)),
                *(_number(task.metrics[metric], 3) for metric in metrics),
                _number(task.queries, 0),
            )
            for task in card.tasks
        ],
    )


def _level(task: TaskCard) -> str:
    return f" (rel={task.relevance_level})" if task.relevance_level > 1 else ""


def latency(card: Card) -> Table:
    """One row a collection; failed attempts are counted, but not timed."""
    heads = ("Collection", "Mean", "P50 (median)", "P90", "Requests")
    timed = {task.title: task.requests for task in card.tasks if task.requests is not None}
    rows = [
        (
            Entry(value=task.title),
            *map(_milliseconds, _figures_ms(task.requests)),
            Entry(value=_requests(task.requests)),
        )
        for task in card.tasks
    ]
    machines = dict.fromkeys(requests.machine for requests in timed.values())
    notes = [
        f"Timed on {machine}"
        + (
            f": {', '.join(title for title, times in timed.items() if times.machine == machine)}."
            if len(machines) > 1
            else "."
        )
        for machine in machines
    ]
    return replace(_table("Latency by collection", heads, rows), notes=tuple(notes))


def standings(rated: TaskRatings, pages: Mapping[str, str]) -> Table:
    """All rated rerankers, highest first; `pages` maps a name to its page."""
    heads = ("Reranker", "Rank", "Possible", "Rating", "Win rate", "W-L-T", rated.metric, "P50")
    rows = []
    for standing in rated.overall.standings:
        entries = (
            Entry(value=standing.name, link=pages.get(standing.name)),
            Entry(value=words.rank(places.rating(rated, standing))),
            Entry(value=standing.ranks_text or words.NOT_RANKED),
            _rating(standing),
            Entry(value=words.percent(standing.win_rate)),
            Entry(value=standing.record_text),
            _number(places.quality(rated, standing).value, 3),
            _milliseconds(places.latency(rated, standing).value),
        )
        rows.append(Row(entries=entries, emphasised=standing.rank is None))
    return Table(title="", columns=_headers(heads), rows=tuple(rows))


def _figures_ms(requests: Requests | None) -> tuple[float | None, ...]:
    if requests is None:
        return (None, None, None)
    return requests.mean_ms, requests.p50_ms, requests.p90_ms


def _requests(requests: Requests | None) -> str:
    if requests is None:
        return "0"
    return f"{requests.count}" + (f" ({requests.failed} failed)" if requests.failed else "")


def _milliseconds(value: float | None) -> Entry:
    return Entry(value=words.milliseconds(value))


def _rating(standing: RatedReranker) -> Entry:
    return Entry(value=standing.rating, form="fixed", span=(standing.low, standing.high))


def _number(value: float | None, decimals: int) -> Entry:
    if value is None:
        return Entry(value=words.NOT_MEASURED)
    return Entry(value=value, form="fixed", decimals=decimals)


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[Entry, ...]]) -> Table:
    return table_of(_headers(heads), rows, title=title)


def _headers(heads: Sequence[str]) -> tuple[Header, ...]:
    """Names are aligned left, figures right."""
    return tuple(Header(text=head, align="left" if head in _NAMES else "right") for head in heads)
