"""Computes the tests, games and ceilings that the columns of a table will show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rerankbench.compare import ceilings
from rerankbench.errors import UsageError
from rerankbench.leaderboard.columns.base import Column, Context
from rerankbench.leaderboard.columns.ceilings import BoundedColumn
from rerankbench.leaderboard.columns.findings import Bounds, Findings, GamesKey, tested
from rerankbench.leaderboard.columns.quality import MeasuredColumn, shown
from rerankbench.leaderboard.columns.ratings import GamesColumn
from rerankbench.results import derived
from rerankbench.types import Record, TaskKey

if TYPE_CHECKING:
    # They import numpy, which tables without significance and games need not wait for.
    from rerankbench.compare.rated import TaskRatings
    from rerankbench.compare.significance import Significance


def find(columns: Sequence[Column], context: Context) -> Findings:
    """Everything that these columns show of several rows at once, each computed once."""
    return Findings(
        significance=_significance(
            [column for column in columns if isinstance(column, MeasuredColumn)], context
        ),
        ratings=_ratings(
            [column for column in columns if isinstance(column, GamesColumn)], context
        ),
        bounds=_bounds(
            [column for column in columns if isinstance(column, BoundedColumn)], context
        ),
    )


def _significance(
    columns: Sequence[MeasuredColumn], context: Context
) -> dict[tuple[TaskKey, str], Significance]:
    keys = {
        tested(shown(column, row), column.metric or context.metric)
        for column in columns
        if column.tests_shown
        for row in context.selection.lines
    } - {None}
    if not keys:
        return {}
    from rerankbench.compare.significance import significance

    tasks, bases = _by_task(context), context.selection.bases
    return {
        key: significance(
            [record for record in tasks[key[0]] if key[1] in record.per_query],
            key[1],
            reference=bases.get(key[0], "first_stage"),
        )
        for key in keys
        if key is not None
    }


def _by_task(context: Context) -> dict[TaskKey, list[Record]]:
    """The records of all rows, and each task's first stage even where no row shows it."""
    tasks: dict[TaskKey, list[Record]] = {}
    for record in context.selection.records():
        tasks.setdefault(record.task, []).append(record)
    for task, record in context.selection.first_stages.items():
        if task in tasks and not any(map(derived.is_first_stage, tasks[task])):
            tasks[task].append(record)
    for task, record in context.selection.bases.items():
        if task in tasks and not any(record is other for other in tasks[task]):
            tasks[task].append(record)
    return tasks


def _ratings(
    columns: Sequence[GamesColumn], context: Context
) -> dict[GamesKey, TaskRatings | None]:
    """The ratings of all rows; for a column with members on those collections alone."""
    return {column.games(context): _rated(column, context) for column in columns}


def _rated(column: GamesColumn, context: Context) -> TaskRatings | None:
    from rerankbench.compare.rated import rate

    games = column.games(context)
    players = {
        row.name: shown(column, row) if column.members else list(row.records.values())
        for row in context.selection.lines
    }
    try:
        return rate(players, metric=games.metric, margin=games.margin, judge=context.judge)
    except UsageError:
        return None


def _bounds(columns: Sequence[BoundedColumn], context: Context) -> dict[tuple[str, str], Bounds]:
    measured = {
        (part.task.key, part.metric.name): part
        for column in columns
        for row in context.selection.lines
        for part in column.measured_parts(row, context)
    }
    return {
        key: Bounds(
            first_stage=ceilings.first_stage_values(part.task, part.metric),
            best=ceilings.ceiling(part.task, part.metric),
        )
        for key, part in measured.items()
    }
