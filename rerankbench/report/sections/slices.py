"""Where reranking helps: the difference to the first stage by the length of the query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from markupsafe import Markup

from rerankbench.compare.slices import Slices
from rerankbench.errors import UsageError
from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.boards import Board
from rerankbench.report.plots.curves import Curve, CurvePanel, by_length
from rerankbench.report.plots.plot import Plot
from rerankbench.report.sections.section import (
    Section,
    board_heading,
    in_words,
    paragraph,
    plot_name,
)
from rerankbench.report.slices import POINT_HEADS, point_entries, sliced
from rerankbench.results import derived
from rerankbench.results.record_set import RecordSet
from rerankbench.types import TaskKey

MOST = 4
"""The point clouds of more models than this hide one another."""
_Found = Mapping[tuple[str, TaskKey], Slices]


def by_query_length(archive: RecordSet, boards: Sequence[Board]) -> Section:
    """One plot for every board, or a sentence that says why there is none."""
    blocks: list[Markup | Plot] = []
    for board in boards:
        blocks += [board_heading(board), _block(archive, board)]
    return Section(identifier="slices", title="Query length", blocks=tuple(blocks))


def _block(archive: RecordSet, board: Board) -> Markup | Plot:
    slices_by_model = {
        square: model_slices
        for task in board.tasks
        for square in _most_gained(board, task)
        if (model_slices := _slices(archive, board, square)) is not None
    }
    if not slices_by_model:
        return paragraph(
            "The difference by query length is not shown: task files are missing beside the "
            "records, or all queries have the same length."
        )
    groups = [
        CurvePanel(
            title=title,
            curves=tuple(
                _curve(model, model_slices)
                for (model, of), model_slices in slices_by_model.items()
                if of == task
            ),
        )
        for task, title in board.tasks.items()
    ]
    groups = [panel for panel in groups if panel.curves]
    return Plot(
        name=plot_name("slices", board),
        title=f"Gain in {board.metric} by query length",
        description=_description(board, slices_by_model),
        draw=partial(by_length, groups),
        table=_table(board, slices_by_model),
        notes=tuple(_notes(board)),
    )


def _most_gained(board: Board, task: TaskKey) -> list[tuple[str, TaskKey]]:
    """The models of one task with the highest means, as many as can be distinguished."""
    means = {
        square: mean
        for square, record in board.squares.items()
        if square[1] == task and not derived.is_baseline(record)
        if (mean := derived.mean_of(record, board.metric or "")) is not None
    }
    return sorted(means, key=lambda square: (-means[square], square))[:MOST]


def _slices(archive: RecordSet, board: Board, square: tuple[str, TaskKey]) -> Slices | None:
    """The points of one model; None without the queries, or with fewer than two lengths."""
    try:
        model_slices = sliced(
            archive, board.squares[square], board.metric or "", "query-length"
        ).slices
    except UsageError:
        return None
    return model_slices if len(model_slices.points) > 1 else None


def _gain(model_slices: Slices) -> float:
    """The mean difference over all queries that have a length."""
    total = sum(point.delta * point.queries for point in model_slices.points)
    return total / sum(point.queries for point in model_slices.points)


def _curve(model: str, model_slices: Slices) -> Curve:
    words = [point.words for point in model_slices.points]
    across = np.linspace(min(words), max(words), 50)
    fitted = np.polynomial.Polynomial(model_slices.coefficients)(across)
    return Curve(
        name=model,
        line=tuple(zip(across.tolist(), fitted.tolist(), strict=True)),
        points=tuple((float(point.words), point.delta) for point in model_slices.points),
    )


def _table(board: Board, slices_by_model: _Found) -> Table:
    return table_of(
        headers(("Model", "Collection", *POINT_HEADS), texts=2),
        (
            (Entry(value=model), Entry(value=board.tasks[task]), *point_entries(point))
            for (model, task), model_slices in slices_by_model.items()
            for point in model_slices.points
        ),
        title=f"Gain in {board.metric} by query length",
    )


def _description(board: Board, slices_by_model: _Found) -> str:
    return in_words(
        f"{model} on {board.tasks[task]}: {model_slices.points[0].delta:+.3f} at "
        f"{model_slices.points[0].words} words, {model_slices.points[-1].delta:+.3f} at "
        f"{model_slices.points[-1].words}; {_gain(model_slices):+.3f} over all queries."
        for (model, task), model_slices in slices_by_model.items()
    )


def _notes(board: Board) -> Iterator[str]:
    yield (
        "A point is the mean over all queries of one length, less the first stage's own order; "
        "the line is the polynomial of the second degree that fits the points best. Few queries "
        "lie behind the outer points."
    )
    models = [model for model in board.models if not board.is_baseline(model)]
    if len(models) > MOST:
        yield f"Only the best {MOST} models of a collection are drawn."
