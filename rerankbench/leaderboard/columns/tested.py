"""What a record is among all of its task, found once for all squares that ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rerankbench.leaderboard.columns.base import Context
from rerankbench.results import derived
from rerankbench.types import Record, TaskKey

if TYPE_CHECKING:
    # It imports numpy, which tables without significance need not wait for.
    from rerankbench.compare.significance import Significance, SystemSignificance


def standing(
    records: Sequence[Record], metric: str | None, context: Context
) -> SystemSignificance | None:
    """How the one record of a square stands in its task.

    None where the square is made of several records, or where its record lacks the metric.
    """
    if len(records) != 1 or metric is None:
        return None
    metric = derived.metric_in(records[0], metric)
    if metric not in records[0].per_query:
        return None
    asked = records[0].task, metric
    found = all_found(context)
    if asked not in found:
        found[asked] = _find(*asked, context)
    return next(each for each in found[asked].standings if each.record is records[0])


def all_found(context: Context) -> dict[tuple[TaskKey, str], Significance]:
    """Task and metric → what squares have asked for so far."""
    return context.once("significance", dict)


def _find(task: TaskKey, metric: str, context: Context) -> Significance:
    from rerankbench.compare.significance import significance

    tasks = context.once("records by task", lambda: _by_task(context))
    return significance([one for one in tasks[task] if metric in one.per_query], metric)


def _by_task(context: Context) -> dict[TaskKey, list[Record]]:
    """The records of all rows, and each task's first stage even where no row shows it."""
    tasks: dict[TaskKey, list[Record]] = {}
    for record in context.selection.records():
        tasks.setdefault(record.task, []).append(record)
    for task, record in context.selection.first_stages.items():
        if task in tasks and not any(map(derived.is_first_stage, tasks[task])):
            tasks[task].append(record)
    return tasks
