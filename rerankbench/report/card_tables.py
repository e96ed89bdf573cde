"""A card's figures as tables, for Markdown and HTML alike. What is missing says so in words."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.compare.rated import Rated
from rerankbench.compare.ratings import Standing
from rerankbench.leaderboard.table import Entry, Header, Row, Table
from rerankbench.report import card_places
from rerankbench.report import card_words as words
from rerankbench.report.card import Card
from rerankbench.report.card_places import Placed

_NAMES = frozenset({"Reranker", "Collection", "Result", "Machine"})


def headline(card: Card) -> tuple[tuple[str, Entry, str], ...]:
    """What stands on top: label, figure, rank."""
    return (
        ("Rating", _rating(card.standing), words.rank(card.rating)),
        ("Win rate", Entry(value=words.percent(card.win_rate.value)), words.rank(card.win_rate)),
        (f"Accuracy ({card.metric})", _number(card.quality.value, 3), words.rank(card.quality)),
        (
            "Latency (P50)",
            Entry(value=words.milliseconds(card.latency.value)),
            words.rank(card.latency),
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
                Entry(value=words.rank(Placed(rank=task.standing.rank, of=task.of))),
                Entry(value=words.percent(task.standing.win_rate)),
                Entry(value=task.standing.record_text),
                _number(task.queries, 0),
            )
            for task in card.tasks
        ],
    )


def accuracy(card: Card) -> Table:
    """One row a collection, one column a metric."""
    metrics = list(card.tasks[0].metrics)
    return _table(
        "Accuracy by collection",
        ("Collection", *metrics, "Queries"),
        [
            (
                Entry(value=task.title),
                *(_number(task.metrics[metric], 3) for metric in metrics),
                _number(task.queries, 0),
            )
            for task in card.tasks
        ],
    )


def latency(card: Card) -> Table:
    """One row a collection; failed attempts are counted and in no figure."""
    rows = []
    for task in card.tasks:
        found = task.requests
        if found is None:
            rows.append(
                (Entry(value=task.title), *[Entry(value=words.NOT_MEASURED)] * 3, *[Entry()] * 2)
            )
            continue
        failed = f" ({found.failed} failed)" if found.failed else ""
        rows.append(
            (
                Entry(value=task.title),
                *(
                    Entry(value=words.milliseconds(value))
                    for value in (found.mean_ms, found.p50_ms, found.p90_ms)
                ),
                Entry(value=f"{found.count}{failed}"),
                Entry(value=found.machine),
            )
        )
    heads = ("Collection", "Mean", "P50 (median)", "P90", "Requests", "Machine")
    return _table("Latency by collection", heads, rows)


def standings(rated: Rated) -> Table:
    """All that were rated, the highest first; what has no rank is no reranker."""
    heads = ("Reranker", "Rank", "Ranks", "Rating", "Win rate", "W-L-T", rated.metric, "P50")
    rows = []
    for one in rated.overall.standings:
        entries = (
            Entry(value=one.name),
            Entry(value=words.rank(card_places.rating(rated, one))),
            Entry(value=one.ranks_text or words.NOT_RANKED),
            _rating(one),
            Entry(value=words.percent(one.win_rate)),
            Entry(value=one.record_text),
            _number(card_places.quality(rated, one).value, 3),
            Entry(value=words.milliseconds(card_places.latency(rated, one).value)),
        )
        rows.append(Row(entries=entries, emphasised=one.rank is None))
    return Table(title="", columns=_headers(heads), rows=tuple(rows))


def _rating(standing: Standing) -> Entry:
    return Entry(value=standing.rating, form="fixed", span=(standing.low, standing.high))


def _number(value: float | None, decimals: int) -> Entry:
    if value is None:
        return Entry(value=words.NOT_MEASURED)
    return Entry(value=value, form="fixed", decimals=decimals)


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[Entry, ...]]) -> Table:
    return Table(
        title=title,
        columns=_headers(heads),
        rows=tuple(Row(entries=entries) for entries in rows),
        heading_level=3,
    )


def _headers(heads: Sequence[str]) -> tuple[Header, ...]:
    """Names to the left, figures to the right."""
    return tuple(Header(text=head, align="left" if head in _NAMES else "right") for head in heads)
