"""How quality varies with the rerank depth, from the run files beside the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from markupsafe import Markup

from rerankbench.compare.depth import DepthCurve
from rerankbench.errors import UsageError, some
from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.boards import Board
from rerankbench.report.depth import curve_of
from rerankbench.report.plots.curves import MOST, Curve, CurvePanel, depths
from rerankbench.report.plots.plot import Plot
from rerankbench.report.sections.section import (
    Section,
    board_heading,
    in_words,
    paragraph,
    plot_name,
)
from rerankbench.results import derived
from rerankbench.results.record_set import RecordSet
from rerankbench.types import TaskKey

_SHOWN_DEPTHS = (10, 20, 50, 100, 200, 500, 1000)


def depth_curves(archive: RecordSet, boards: Sequence[Board]) -> Section:
    """One plot for every board, or a sentence that says why there is none."""
    blocks: list[Markup | Plot] = []
    for board in boards:
        blocks += [board_heading(board), _block(archive, board)]
    return Section(identifier="depth", title="Rerank depth", blocks=tuple(blocks))


def _block(archive: RecordSet, board: Board) -> Markup | Plot:
    curves: dict[tuple[str, TaskKey], DepthCurve] = {}
    problems: dict[str, None] = {}
    for square, record in board.squares.items():
        if not derived.is_baseline(record):
            try:
                curves[square] = curve_of(archive, record, board.metric or "")
            except UsageError as error:
                problems[str(error)] = None
    if board.metric is None or not curves:
        why = some(list(problems), between=". ") or "there is no model"
        return paragraph("Depth curves are not shown: ", isolated(why), ".")
    groups = [
        CurvePanel(title=title, curves=_best_of(curves, task))
        for task, title in board.tasks.items()
    ]
    groups = [panel for panel in groups if panel.curves]
    return Plot(
        name=plot_name("depth", board),
        title=f"{board.metric} by rerank depth",
        description=_description(board, curves),
        draw=partial(depths, groups),
        table=_table(board, curves),
        notes=tuple(_notes(board, problems)),
    )


def _best_of(curves: Mapping[tuple[str, TaskKey], DepthCurve], task: TaskKey) -> tuple[Curve, ...]:
    """The curves of one task with the highest peaks, as many as can be distinguished."""
    by_model = {model: curve for (model, of), curve in curves.items() if of == task}
    best = sorted(by_model, key=lambda model: (-max(by_model[model].means), model))[:MOST]
    return tuple(
        Curve(
            name=model, line=tuple(zip(by_model[model].depths, by_model[model].means, strict=True))
        )
        for model in best
    )


def _table(board: Board, curves: Mapping[tuple[str, TaskKey], DepthCurve]) -> Table:
    ends = {curve.depths[-1] for curve in curves.values()}
    usual = (depth for depth in _SHOWN_DEPTHS if depth < max(ends))
    shown = sorted({0, *usual, *ends})
    return table_of(
        headers(
            ("Model", "Collection", "Shape", "Highest at", *(f"Depth {depth}" for depth in shown)),
            texts=3,
        ),
        (
            (
                Entry(value=model),
                Entry(value=board.tasks[task]),
                Entry(value=curve.shape),
                Entry(value=curve.peak, form="fixed"),
                *(
                    Entry(
                        value=curve.at(depth) if depth in curve.depths else None,
                        form="fixed",
                        decimals=3,
                    )
                    for depth in shown
                ),
            )
            for (model, task), curve in curves.items()
        ),
        title=f"{board.metric} by rerank depth",
    )


def _description(board: Board, curves: Mapping[tuple[str, TaskKey], DepthCurve]) -> str:
    return in_words(
        f"{model} on {board.tasks[task]}: {curve.shape}, {board.metric} {curve.means[0]:.3f} "
        f"without reranking, {max(curve.means):.3f} at depth {curve.peak}, "
        f"{curve.means[-1]:.3f} at depth {curve.depths[-1]}."
        for (model, task), curve in curves.items()
    )


def _notes(board: Board, problems: Iterable[str]) -> Iterator[str]:
    yield "Depth 0 is the first stage's own order. All depths come from one scoring."
    models = [model for model in board.models if not board.is_baseline(model)]
    if len(models) > MOST:
        yield f"Only the best {MOST} models of a collection are drawn."
    if problems:
        yield Markup("Not shown: {}.").format(isolated(some(list(problems), between=". ")))
