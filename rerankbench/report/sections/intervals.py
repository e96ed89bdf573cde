"""How certain each mean is: bootstrap intervals, a panel a collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import fmean

from markupsafe import Markup

from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.boards import Board
from rerankbench.report.bootstrap import BootstrappedMeans
from rerankbench.report.plots.intervals import Estimate, IntervalPanel, draw
from rerankbench.report.plots.plot import Plot
from rerankbench.report.sections.section import (
    Section,
    board_heading,
    in_words,
    paragraph,
    plot_name,
)
from rerankbench.results import derived
from rerankbench.types import Record, TaskKey

FEWEST = 10
"""With fewer queries an interval says more about luck than about the model."""
_NOTES = (
    "Bootstrap over queries (percentile method). The dashed line is the first stage alone.",
    "Two models may differ significantly although their intervals overlap: both had the same "
    "queries, which a paired test takes into account.",
)
_FEW = f"With fewer than {FEWEST} queries an interval means little."

_Estimates = Mapping[tuple[str, TaskKey], Estimate]


def intervals(boards: Sequence[Board], means: Sequence[BootstrappedMeans]) -> Section:
    """One plot for every board, or a sentence that says why there is none."""
    blocks: list[Markup | Plot] = []
    for board, its_means in zip(boards, means, strict=True):
        blocks += [board_heading(board), _block(board, its_means)]
    return Section(identifier="intervals", title="Intervals", blocks=tuple(blocks))


def _block(board: Board, means: BootstrappedMeans) -> Markup | Plot:
    estimates = dict(_estimates(board, means))
    if board.metric is None or not estimates:
        return paragraph("Intervals are not shown: the records have no metric by query.")
    models = _by_mean(estimates)
    groups = [
        IntervalPanel(
            title=title,
            estimates={m: estimates[m, task] for m in models if (m, task) in estimates},
            reference=_mean(board.first_stages.get(task), board.metric),
        )
        for task, title in board.tasks.items()
    ]
    fewest = min(estimate.queries for estimate in estimates.values())
    title = f"{board.metric} with 95 % intervals"
    return Plot(
        name=plot_name("intervals", board),
        title=title,
        description=_description(groups, board.metric),
        draw=partial(
            draw,
            groups,
            models,
            quality_label=board.metric,
            muted=[model for model in models if board.is_baseline(model)],
        ),
        table=_table(title, board, models, estimates),
        notes=(*_NOTES, _FEW) if fewest < FEWEST else _NOTES,
    )


def _estimates(
    board: Board, means: BootstrappedMeans
) -> Iterator[tuple[tuple[str, TaskKey], Estimate]]:
    """Mean and interval of every model, and of the first stage; other baselines have none."""
    for square, record in board.squares.items():
        if id(record) not in means.by_record:
            continue
        values = derived.values_of(record, board.metric or "")
        found = means.interval([record])
        mean = fmean(values[query] for query in sorted(values))
        yield (
            square,
            Estimate(mean=mean, low=found.low, high=found.high, queries=len(values)),
        )


def _mean(record: Record | None, metric: str) -> float | None:
    return None if record is None else derived.mean_of(record, metric)


def _by_mean(estimates: _Estimates) -> list[str]:
    """The models by descending mean over the collections that each has."""
    means: dict[str, list[float]] = {}
    for (model, _), estimate in estimates.items():
        means.setdefault(model, []).append(estimate.mean)
    return sorted(means, key=lambda model: (-fmean(means[model]), model))


def _table(title: str, board: Board, models: Sequence[str], estimates: _Estimates) -> Table:
    return table_of(
        headers(("Model", "Collection", board.metric or "", "Low", "High", "Queries"), texts=2),
        (
            (
                Entry(value=model),
                Entry(value=name),
                *(
                    Entry(value=value, form="fixed", decimals=3)
                    for value in (estimate.mean, estimate.low, estimate.high)
                ),
                Entry(value=estimate.queries, form="fixed"),
            )
            for task, name in board.tasks.items()
            for model in models
            if (estimate := estimates.get((model, task))) is not None
        ),
        title=title,
    )


def _description(groups: Sequence[IntervalPanel], metric: str) -> str:
    return in_words(
        f"{name} on {panel.title}: {metric} {estimate.mean:.3f}, "
        f"{estimate.low:.3f} to {estimate.high:.3f}."
        for panel in groups
        for name, estimate in panel.estimates.items()
    )
