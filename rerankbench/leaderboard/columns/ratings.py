"""Columns of games: every query is one between every two rows that answered it.

A column that names no collection joins all of them, each with the same weight. What plays no games
(oracle, random) has blanks, as has a row that met no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rerankbench.compare.rated_words import listed, method, not_judged
from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.quality import RepeatedColumn, shown
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry

if TYPE_CHECKING:
    from rerankbench.compare.rated import TaskRatings
    from rerankbench.compare.ratings import RatedReranker


class GamesColumn(RepeatedColumn):
    """What every column of games can say: `margin` is the largest difference that is a tie."""

    joins_all: ClassVar[bool] = True

    margin: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 0.0

    @property
    def head(self) -> str:
        """Without a header what is usual, or the collection in a column for each."""
        usual = "{collection}" if self.shown_collection else self.usual_header
        return usual if self.header is None else self.header


class RatingColumn(GamesColumn):
    """The Bradley–Terry rating on Elo's scale."""

    usual_header = "Rating"
    better = "higher"

    kind: Literal["rating"]
    interval: bool = True


class RanksColumn(GamesColumn):
    """The ranks that are possible, as the ratings' intervals go."""

    usual_header = "Ranks"

    kind: Literal["rating_ranks"]


class WinRateColumn(GamesColumn):
    """The share of points in per cent, a tie as half."""

    usual_header = "Win rate %"
    better = "higher"

    kind: Literal["win_rate"]


class RecordColumn(GamesColumn):
    """How many games were won, lost and tied."""

    usual_header = "W-L-T"

    kind: Literal["record"]


def rating(column: RatingColumn, line: RowRecords, context: Context) -> Entry:
    """The rating, with its interval."""
    found = _standing(column, line, context)
    if found is None:
        return Entry()
    span = (found.low, found.high) if column.interval else None
    # What differs by rounding alone is equal, so that the order of rows does not hang on it.
    value = round(found.rating, 6)
    return Entry(value=value, form="fixed", decimals=column.decimals or 0, span=span)


def ranks(column: RanksColumn, line: RowRecords, context: Context) -> Entry:
    """One rank or two; blank for the first stage, which has none."""
    found = _standing(column, line, context)
    return Entry(value=None if found is None else found.ranks_text)


def win_rate(column: WinRateColumn, line: RowRecords, context: Context) -> Entry:
    """The share of points."""
    found = _standing(column, line, context)
    decimals = 1 if column.decimals is None else column.decimals
    return Entry(
        value=None if found is None else 100 * found.win_rate, form="fixed", decimals=decimals
    )


def record(column: RecordColumn, line: RowRecords, context: Context) -> Entry:
    """Three counts in words: as three numbers a spreadsheet would read a day."""
    found = _standing(column, line, context)
    return Entry(value=None if found is None else found.record_text)


def cannot_be_judged(columns: Iterable[Column]) -> str | None:
    """Why a judge cannot decide the games of these columns; None if one can."""
    games = [column for column in columns if isinstance(column, GamesColumn)]
    if not games:
        return "no column shows games (rating, rating_ranks, win_rate, record)"
    if any(column.metric is not None or column.margin for column in games):
        return "a judge knows neither 'metric' nor 'margin', which columns of games have here"
    return None


def notes(columns: Sequence[Column], context: Context) -> Iterator[str]:
    """How the games of these columns came about, and who could not be rated alike."""
    games = [column for column in columns if isinstance(column, GamesColumn)]
    found = [rated for column in games if (rated := _rated(column, context)) is not None]
    if not found and context.judge is not None:
        yield f"Caution: {context.judge.name} judged no two of these rerankers."
    yield from dict.fromkeys(line for rated in found for line in method(rated))
    yield from dict.fromkeys(f"Caution: {line}" for rated in found for line in not_judged(rated))
    unbounded = dict.fromkeys(
        task.title for rated in found for task in rated.tasks if not task.ratings.as_it_stands
    )
    if unbounded:
        yield (
            f"Caution: on {listed(list(unbounded))} some rows won, or lost, every game against "
            "the others. No finite rating is the likeliest then, so one more query on which all "
            "tie was added; the intervals of these rows say little."
        )
    for rated in found:
        partly = [
            one.name
            for one in rated.overall.standings
            if sum(one.name in task.records for task in rated.tasks) < len(rated.tasks)
        ]
        if partly:
            yield (
                f"Caution: {listed(partly)} {_absent(rated)} on every collection; their rating "
                "rests on what they played elsewhere."
            )
            break


def _rated(column: GamesColumn, context: Context) -> TaskRatings | None:
    """The ratings of all rows, on the column's members alone if it has any; None for no games."""
    from rerankbench.compare.rated import rate

    metric = column.metric or context.metric

    def find() -> TaskRatings | None:
        players = {
            line.name: shown(column, line) if column.members else list(line.records.values())
            for line in context.selection.lines
        }
        try:
            return rate(players, metric=metric, margin=column.margin, judge=context.judge)
        except UsageError:
            return None

    return context.once(("ratings", column.members, metric, column.margin), find)


def _standing(column: GamesColumn, line: RowRecords, context: Context) -> RatedReranker | None:
    rated = _rated(column, context)
    if rated is None:
        return None
    if not column.collection:
        return rated.overall.find(line.name)
    record = line.first_of(column.collection)
    own = (task.ratings for task in rated.tasks if task.records.get(line.name) is record)
    return next((found.find(line.name) for found in own if record is not None), None)


def _absent(rated: TaskRatings) -> str:
    return "did not run" if rated.judged is None else "were not judged"
