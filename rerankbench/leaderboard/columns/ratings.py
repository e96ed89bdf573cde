"""Columns of games: every query is one between every two rows that answered it.

A column that names no collection joins all of them with equal weight. Rows that play no games
(oracle, random) has blanks, as has a row that met no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from rerankbench.compare.rated_words import method, not_judged
from rerankbench.errors import some
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.findings import GamesKey
from rerankbench.leaderboard.columns.quality import RepeatedColumn
from rerankbench.leaderboard.rows import RowRecords
from rerankbench.leaderboard.table import Entry

if TYPE_CHECKING:
    from rerankbench.compare.rated import TaskRatings
    from rerankbench.compare.ratings import RatedReranker


class GamesColumn(RepeatedColumn):
    """Shared by all columns of games; `margin` is the largest difference that counts as a tie."""

    joins_all: ClassVar[bool] = True
    notes_place = 1

    margin: Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)] = 0.0

    @property
    def head(self) -> str:
        """The given header, else the collection in a column of one, else the usual one."""
        usual = "{collection}" if self.shown_collection else self.usual_header
        return usual if self.header is None else self.header

    def games(self, context: Context) -> GamesKey:
        return GamesKey(self.members, self.metric or context.metric, self.margin)

    def rated(self, row: RowRecords, context: Context) -> RatedReranker | None:
        """The row's result over all collections or on the column's one; None without games."""
        rated = context.findings.ratings[self.games(context)]
        if rated is None:
            return None
        if not self.collection:
            return rated.overall.find(row.name)
        record = row.first_of(self.collection)
        own = (task.ratings for task in rated.tasks if task.records.get(row.name) is record)
        return next((ratings.find(row.name) for ratings in own if record is not None), None)

    def notes(self, context: Context) -> Iterator[str]:
        return _notes(context)


class RatingColumn(GamesColumn):
    """The Bradley–Terry rating on Elo's scale."""

    usual_header = "Rating"
    better = "higher"

    kind: Literal["rating"]
    interval: bool = True

    def fill(self, row: RowRecords, context: Context) -> Entry:
        rated = self.rated(row, context)
        if rated is None:
            return Entry()
        span = (rated.low, rated.high) if self.interval else None
        # Rounded, so that floating-point noise does not decide the order of rows.
        value = round(rated.rating, 6)
        return Entry(value=value, form="fixed", decimals=self.decimals or 0, span=span)


class RanksColumn(GamesColumn):
    """The ranks that are possible within the ratings' intervals."""

    usual_header = "Ranks"

    kind: Literal["rating_ranks"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """One rank or two; blank for the first stage, which has none."""
        rated = self.rated(row, context)
        return Entry(value=None if rated is None else rated.ranks_text)


class WinRateColumn(GamesColumn):
    """The share of points in per cent; a tie is half a point."""

    usual_header = "Win rate %"
    better = "higher"

    kind: Literal["win_rate"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        rated = self.rated(row, context)
        decimals = 1 if self.decimals is None else self.decimals
        return Entry(
            value=None if rated is None else 100 * rated.win_rate, form="fixed", decimals=decimals
        )


class RecordColumn(GamesColumn):
    """How many games were won, lost and tied."""

    usual_header = "W-L-T"

    kind: Literal["record"]

    def fill(self, row: RowRecords, context: Context) -> Entry:
        """Three counts as text: a spreadsheet would read three numbers as a date."""
        rated = self.rated(row, context)
        return Entry(value=None if rated is None else rated.record_text)


def cannot_be_judged(columns: Iterable[Column]) -> str | None:
    """Why a judge cannot decide the games of these columns; None if one can."""
    games = [column for column in columns if isinstance(column, GamesColumn)]
    if not games:
        return "no column shows games (rating, rating_ranks, win_rate, record)"
    if any(column.metric is not None or column.margin for column in games):
        return "a judge uses neither 'metric' nor 'margin', which columns of games set here"
    return None


def _notes(context: Context) -> Iterator[str]:
    """How the games of all columns were decided, and which rows were rated differently."""
    ratings = (
        context.findings.ratings[column.games(context)] for column in context.of(GamesColumn)
    )
    every = [rated for rated in ratings if rated is not None]
    yield from dict.fromkeys(line for rated in every for line in method(rated))
    yield from dict.fromkeys(f"Caution: {line}" for rated in every for line in not_judged(rated))
    unbounded = dict.fromkeys(
        task.title for rated in every for task in rated.tasks if not task.ratings.as_it_stands
    )
    if unbounded:
        yield (
            f"Caution: on {some(list(unbounded))} some rows won, or lost, every game against "
            "the others. Their likeliest rating would be infinite, so one query on which all "
            "tie was added; the intervals of these rows mean little."
        )
    for rated in every:
        partly = [
            standing.name
            for standing in rated.overall.standings
            if sum(standing.name in task.records for task in rated.tasks) < len(rated.tasks)
        ]
        if partly:
            yield (
                f"Caution: {some(partly)} {_absent(rated)} on every collection; their rating "
                "rests on what they played elsewhere."
            )
            break


def _absent(rated: TaskRatings) -> str:
    return "did not run" if rated.judged is None else "were not judged"
