"""Who leads, and whether that is real; then what was run, when and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean

from markupsafe import Markup

from rerankbench.compare.leader import Leader, leader, sentences
from rerankbench.compare.significance import is_tested
from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.report.boards import Board
from rerankbench.report.sections.section import Section, board_heading, facts, names
from rerankbench.results import derived
from rerankbench.types import Record, TaskKey


def summary(boards: Sequence[Board]) -> Section:
    """Who leads on each board, then counts, then facts."""
    records = [record for board in boards for record in board.records]
    models = {record.cell.reranker.name for record in records if not derived.is_baseline(record)}
    tasks = {task: record for board in boards for (_, task), record in board.squares.items()}
    collections = dict.fromkeys(record.cell.collection.name for record in tasks.values())
    metrics = dict.fromkeys(board.metric for board in boards if board.metric)
    days = sorted({record.started_at[:10] for record in records})
    counts = (
        (len(models), "model", "models"),
        (len(collections), "collection", "collections"),
        (sum(map(derived.query_count, tasks.values())), "judged query", "judged queries"),
        (len(records), "cell", "cells"),
    )
    return Section(
        identifier="summary",
        title="Summary",
        blocks=(
            *(block for board in boards for block in _leaders(board)),
            Markup('<div class="cards">{}</div>').format(
                Markup("").join(_card(*count) for count in counts)
            ),
            facts(
                {
                    "Collections": names(collections),
                    "Reranked": _lines(board.title for board in boards),
                    "Headline metric": names(metrics) if metrics else Markup("none"),
                    "Measured": isolated(" to ".join(dict.fromkeys((days[0], days[-1])))),
                    "On": _lines(_machines(records)),
                }
            ),
        ),
    )


def _leaders(board: Board) -> Iterator[Markup]:
    """The leader of every collection, and of their mean."""
    found = {task: _leader(board, task) for task in board.tasks}
    known = {task: one for task, one in found.items() if one is not None}
    if not known:
        return
    yield board_heading(board)
    overall = {"All": isolated(mean)} if (mean := _on_average(board, known)) else {}
    each = {board.tasks[task]: isolated(" ".join(sentences(one))) for task, one in known.items()}
    yield facts(overall | each, css="leaders")


def _leader(board: Board, task: TaskKey) -> Leader | None:
    if board.metric is None:
        return None
    records = [record for (_, its_task), record in board.squares.items() if its_task == task]
    return leader(records, board.metric)


def _on_average(board: Board, leaders: Mapping[TaskKey, Leader]) -> str:
    """Who has the highest mean over what all have, as the table over all collections has it.

    Empty where that is not several collections.
    """
    metric = board.metric or ""
    values = {
        model: {task: derived.mean_of(one, metric) for task, one in mine.items()}
        for model in board.models
        for mine in [board.of(model)]
        if all(map(is_tested, mine.values()))
    }
    shared = [
        task for task in leaders if all(mine.get(task) is not None for mine in values.values())
    ]
    if len(values) < 2 or len(shared) < 2:
        return ""
    means = {model: fmean(mine[task] or 0.0 for task in shared) for model, mine in values.items()}
    first, second = sorted(means, key=lambda model: (-means[model], model))[:2]
    leads = sum(leaders[task].record.cell.reranker.name == first for task in shared)
    return (
        f"{first} has the highest mean {metric} over the {len(shared)} collections that all were "
        f"run on: {means[first]:.3f}, {means[first] - means[second]:.3f} above {second}. It leads "
        f"on {leads} of them."
    )


def _card(count: int, one: str, many: str) -> Markup:
    noun = one if count == 1 else many
    return Markup('<div class="card"><b>{:,}</b><span>{}</span></div>').format(count, noun)


def _lines(values: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<div>{}</div>").format(isolated(value)) for value in values)


def _machines(records: Sequence[Record]) -> list[str]:
    """Where models ran; baselines, which do no work, count only if there is nothing else."""
    models = [record for record in records if not derived.is_baseline(record)]
    return sorted(set(map(derived.machine, models or records)))
