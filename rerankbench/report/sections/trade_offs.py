"""Quality against speed, size and price: a point a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean, median

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.boards import Board
from rerankbench.report.bootstrap import BootstrappedMeans
from rerankbench.report.plots.plot import Plot
from rerankbench.report.plots.trade_off import Reference, TradeOffPoint, best, draw
from rerankbench.report.sections.section import (
    Section,
    board_heading,
    in_words,
    names,
    paragraph,
    plot_name,
)
from rerankbench.results import derived, figures
from rerankbench.results.figures import Figure
from rerankbench.types import TaskKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """The figure that quality is plotted against; `why_missing` completes "No model …"."""

    kind: str
    title: str
    label: str
    figure: Figure
    why_missing: str

    @property
    def more_is_better(self) -> bool:
        return self.figure.better == "higher"

    def show(self, value: float) -> Entry:
        return Entry(value=value, form=self.figure.form, decimals=self.figure.decimals)


_SPEED = _Cost(
    kind="quality-speed",
    title="Quality against speed",
    label=figures.DOCS_PER_S.head,
    figure=figures.DOCS_PER_S,
    why_missing="has a measured speed (run without --no-speed to measure it)",
)
_OTHERS = (
    _Cost(
        kind="quality-size",
        title="Quality against size",
        label=figures.PARAMETERS.head,
        figure=figures.PARAMETERS,
        why_missing="says how many parameters it has",
    ),
    _Cost(
        kind="quality-price",
        title="Quality against price",
        label=f"{figures.USD_PER_1000_QUERIES.head} (US dollars for 1,000 queries)",
        figure=figures.USD_PER_1000_QUERIES,
        why_missing="has a price in its config",
    ),
)


def trade_offs(boards: Sequence[Board], means: Sequence[BootstrappedMeans]) -> Section:
    """One plot of each kind for every board, or a sentence that says why there is none."""
    blocks: list[Markup | Plot] = []
    for board, its_means in zip(boards, means, strict=True):
        blocks.append(board_heading(board))
        fastest, elsewhere = _in_one_setting(board)
        blocks.append(_block(fastest, its_means, _SPEED, elsewhere))
        blocks += [_block(board, its_means, cost, ()) for cost in _OTHERS]
    return Section(identifier="trade-offs", title="Trade-offs", blocks=tuple(blocks))


def _in_one_setting(board: Board) -> tuple[Board, tuple[str, ...]]:
    """The board of the setting in which most models were timed, and the models timed elsewhere."""
    timed = [
        record
        for record in board.records
        if not derived.is_baseline(record) and derived.docs_per_s(record) is not None
    ]
    pairs = {(derived.setting(record), record.cell.reranker.name) for record in timed}
    counted = Counter(setting for setting, _ in sorted(pairs))
    if not counted:
        return board, ()
    setting = counted.most_common(1)[0][0]
    same_setting = board.only(
        lambda record: derived.is_baseline(record) or derived.setting(record) == setting
    )
    return same_setting, tuple(sorted({name for _, name in pairs} - set(same_setting.models)))


def _block(
    board: Board, means: BootstrappedMeans, cost: _Cost, elsewhere: Sequence[str]
) -> Markup | Plot:
    placed = _placed(board, cost)
    with_figures = sorted({model for model, _ in placed})
    if board.metric is None or not with_figures:
        return paragraph(f"{cost.title} is not shown: no model {cost.why_missing}.")
    tasks = _comparable(board, with_figures, placed)
    points = [
        TradeOffPoint(
            name=model,
            cost=median(placed[model, task][0] for task in tasks),
            quality=fmean(placed[model, task][1] for task in tasks),
            low=interval.low,
            high=interval.high,
        )
        for model in with_figures
        if all((model, task) in placed for task in tasks)
        for interval in [means.interval([board.squares[model, task] for task in tasks])]
    ]
    if len(points) < 2:
        return paragraph(
            f"{cost.title} is not shown: ",
            isolated(points[0].name),
            " is the only model with these figures, so there is nothing to compare.",
        )
    reference = _reference(board, tasks)
    shown = [point.name for point in points]
    left_out = {
        "timed on another machine or device": list(elsewhere),
        "not run on the same collections": [model for model in with_figures if model not in shown],
    }
    return Plot(
        name=plot_name(cost.kind, board),
        title=cost.title,
        description=_description(points, cost, board.metric, reference),
        draw=partial(
            draw,
            points,
            cost_label=cost.label,
            quality_label=board.metric,
            more_is_better=cost.more_is_better,
            reference=reference,
        ),
        table=_table(points, cost, board.metric, reference),
        notes=tuple(_notes(board, tasks, cost, left_out)),
        labels={
            f"point-{at}": f"{point.name}: {board.metric} {point.quality:.3f}, {cost.label} "
            f"{cost.show(point.cost).text}"
            for at, point in enumerate(points)
        },
    )


def _placed(board: Board, cost: _Cost) -> dict[tuple[str, TaskKey], tuple[float, float]]:
    """Cost and quality of every model and task that has both."""
    placed = {}
    for square, record in board.squares.items():
        value = cost.figure.number(record)
        quality = None if board.metric is None else derived.mean_of(record, board.metric)
        if value and quality is not None and not derived.is_baseline(record):
            placed[square] = (value, quality)
    return placed


def _comparable(
    board: Board, models: Sequence[str], placed: Mapping[tuple[str, TaskKey], object]
) -> list[TaskKey]:
    """The tasks in which all these models are placed, or else the one with the most of them."""
    counted = {task: sum((model, task) in placed for model in models) for task in board.tasks}
    shared = [task for task, count in counted.items() if count == len(models)]
    return shared or [max(counted, key=lambda task: counted[task])]


def _reference(board: Board, tasks: Sequence[TaskKey]) -> Reference | None:
    """The first stage over the same tasks; None unless it was recorded for each."""
    stages = board.first_stages
    if board.metric is None or not all(task in stages for task in tasks):
        return None
    means = [derived.mean_of(stages[task], board.metric) for task in tasks]
    known = [mean for mean in means if mean is not None]
    name = stages[tasks[0]].cell.reranker.name
    return (
        Reference(name=f"{name} alone", quality=fmean(known)) if len(known) == len(means) else None
    )


def _table(
    points: Sequence[TradeOffPoint], cost: _Cost, metric: str, reference: Reference | None
) -> Table:
    worth = best(points, more_is_better=cost.more_is_better, reference=reference)
    figures = (cost.label, metric, "Low", "High")
    return table_of(
        headers(("Model", *figures, "Pareto front"), figures=figures),
        (
            (
                Entry(value=point.name),
                cost.show(point.cost),
                *(
                    Entry(value=value, form="fixed", decimals=3)
                    for value in (point.quality, point.low, point.high)
                ),
                Entry(value="yes" if at in worth else "no"),
            )
            for at, point in sorted(enumerate(points), key=lambda item: -item[1].quality)
        ),
        title=cost.title,
    )


def _description(
    points: Sequence[TradeOffPoint], cost: _Cost, metric: str, reference: Reference | None
) -> str:
    level = "" if reference is None else f" {reference.name}: {reference.quality:.3f}."
    worth = in_words(
        f"{points[at].name}: {metric} {points[at].quality:.3f}, {cost.label} "
        f"{cost.show(points[at].cost).text}."
        for at in best(points, more_is_better=cost.more_is_better, reference=reference)
    )
    models = f"{len(points)} models by {metric} and {cost.label}."
    return f"{models}{level} On the Pareto front: {worth or 'none.'}"


def _notes(
    board: Board,
    tasks: Sequence[TaskKey],
    cost: _Cost,
    left_out: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    better = "faster" if cost.more_is_better else "cheaper"
    better = "smaller" if cost.kind == "quality-size" else better
    where = names(board.tasks[task] for task in tasks)
    quality = f"Mean {board.metric} over" if len(tasks) > 1 else f"{board.metric} on"
    yield Markup("{} {}.").format(quality, where)
    yield (
        f"Filled: no other model shown is both better and {better}, nor is the first stage alone "
        "as good; the line joins these. Upright strokes: 95 % bootstrap intervals."
    )
    if cost is _SPEED:
        records = [board.squares[square] for square in board.squares if square[1] in tasks]
        machine = next(
            derived.machine(record) for record in records if not derived.is_baseline(record)
        )
        yield Markup("Measured on {}.").format(isolated(machine))
    for why, models in left_out.items():
        if models:
            yield Markup("Not shown, {}: {}.").format(why, names(models))
