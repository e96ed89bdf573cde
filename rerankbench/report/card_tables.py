"""A card's figures as tables, for Markdown and HTML alike. What is missing says so in words."""

from __future__ import annotations

from collections.abc import Sequence

from rerankbench.compare.ratings import Ratings, Standing
from rerankbench.leaderboard.table import Align, Entry, Header, Row, Table
from rerankbench.report.card import Card
from rerankbench.report.card_places import Placed

UNKNOWN = "not known"
NOT_MEASURED = "not measured"
_NOT_RANKED = "not ranked"


def rank_text(placed: Placed) -> str:
    """`#8 of 9`, or that there is none."""
    return f"#{placed.rank} of {placed.of}" if placed.rank is not None else _NOT_RANKED


def headline(card: Card) -> tuple[tuple[str, Entry, str], ...]:
    """What stands on top: label, figure, rank."""
    return (
        ("Rating", _rating(card.standing), rank_text(card.rating)),
        ("Win rate", Entry(value=_percent(card.win_rate.value)), rank_text(card.win_rate)),
        (card.metric, _number(card.quality.value, 3), rank_text(card.quality)),
        ("Latency (P50)", _milliseconds(card.latency.value), rank_text(card.latency)),
    )


def games(card: Card) -> Table:
    """Wins, losses and ties with their shares."""
    standing = card.standing
    counts = {"Wins": standing.wins, "Losses": standing.losses, "Ties": standing.ties}
    return _table(
        "Performance record",
        ("Result", "Games", "Share"),
        [
            (Entry(value=label), _number(count, 0), Entry(value=_percent(count / standing.games)))
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
                Entry(value=rank_text(Placed(rank=task.standing.rank, of=task.of))),
                Entry(value=_percent(task.standing.win_rate)),
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
                (Entry(value=task.title), *[Entry(value=NOT_MEASURED)] * 3, *[Entry()] * 2)
            )
            continue
        failed = f" ({found.failed} failed)" if found.failed else ""
        rows.append(
            (
                Entry(value=task.title),
                *map(_milliseconds, (found.mean_ms, found.p50_ms, found.p90_ms)),
                Entry(value=f"{found.count}{failed}"),
                Entry(value=found.machine),
            )
        )
    heads = ("Collection", "Mean", "P50 (median)", "P90", "Requests", "Machine")
    return _table("Latency by collection", heads, rows)


def standings(overall: Ratings) -> Table:
    """All that were rated, the highest first; what has no rank is no reranker."""
    heads = ("Reranker", "Rank", "Possible ranks", "Rating (interval)", "Win rate", "W-L-T")
    rows = [
        Row(
            entries=(
                Entry(value=one.name),
                Entry(value=rank_text(Placed(rank=one.rank, of=overall.ranked))),
                Entry(value=one.ranks_text or _NOT_RANKED),
                _rating(one),
                Entry(value=_percent(one.win_rate)),
                Entry(value=one.record_text),
            ),
            emphasised=one.rank is None,
        )
        for one in overall.standings
    ]
    return Table(title="", columns=_headers(heads), rows=tuple(rows))


def _rating(standing: Standing) -> Entry:
    return Entry(value=standing.rating, form="fixed", span=(standing.low, standing.high))


def _number(value: float | None, decimals: int) -> Entry:
    if value is None:
        return Entry(value=NOT_MEASURED)
    return Entry(value=value, form="fixed", decimals=decimals)


def _milliseconds(value: float | None) -> Entry:
    return Entry(
        value=NOT_MEASURED if value is None else f"{value:,.{0 if value >= 100 else 1}f} ms"
    )


def _percent(share: float | None) -> str:
    return NOT_MEASURED if share is None else f"{share:.1%}"


def _table(title: str, heads: Sequence[str], rows: Sequence[tuple[Entry, ...]]) -> Table:
    return Table(
        title=title,
        columns=_headers(heads),
        rows=tuple(Row(entries=entries) for entries in rows),
        heading_level=3,
    )


def _headers(heads: Sequence[str]) -> tuple[Header, ...]:
    aligns: list[Align] = ["left", *["right"] * (len(heads) - 1)]
    if heads[-1] == "Machine":
        aligns[-1] = "left"
    return tuple(Header(text=head, align=align) for head, align in zip(heads, aligns, strict=True))  # type: ignore[arg-type]
