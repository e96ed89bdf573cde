"""Times of single requests, on the machine and device where most models were timed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from statistics import median

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.leaderboard.table import Entry, Table, headers, table_of
from rerankbench.report.boards import Board
from rerankbench.report.plots.latency import LatencyPanel, draw, strokes_each
from rerankbench.report.plots.plot import Plot
from rerankbench.report.sections.section import (
    Section,
    board_heading,
    in_words,
    names,
    paragraph,
    plot_name,
)
from rerankbench.results import derived
from rerankbench.results.figures import LATENCIES_MS
from rerankbench.stats.order import percentile
from rerankbench.types import Latency, Record

_PERCENTILES = (50, 90, 95, 99)


def latencies(boards: Sequence[Board]) -> Section:
    """A plot for every board, or a sentence that says why there is none."""
    blocks: list[Markup | Plot] = []
    for board in boards:
        blocks += [board_heading(board), _block(board)]
    return Section(identifier="latency", title="Latency", blocks=tuple(blocks))


def _block(board: Board) -> Markup | Plot:
    timed = board.only(lambda record: _requests(record) is not None)
    counted = Counter(derived.setting(record) for record in timed.squares.values())
    if not counted:
        return paragraph(
            "Latency is not shown: no model has a measured one (run without --no-speed)."
        )
    setting = counted.most_common(1)[0][0]
    same_setting = timed.only(lambda record: derived.setting(record) == setting)
    elsewhere = sorted(set(timed.models) - set(same_setting.models))
    groups = [
        LatencyPanel(
            title=title,
            requests_ms={
                model: [1000 * second for second in latency.requests_s]
                for model in same_setting.models
                if (model, task) in same_setting.squares
                if (latency := _requests(same_setting.squares[model, task])) is not None
            },
        )
        for task, title in same_setting.tasks.items()
    ]
    groups = [panel for panel in groups if panel.requests_ms]
    models = _fastest_first(groups)
    return Plot(
        name=plot_name("latency", board),
        title="Latency of single requests",
        description=_description(groups),
        draw=partial(draw, groups, models),
        table=_table(groups, models),
        notes=tuple(_notes(groups, same_setting, elsewhere)),
    )


def _requests(record: Record) -> Latency | None:
    """The timed requests of a model; None for baselines, which need no time."""
    latency = record.measurements.latency
    known = latency is not None and latency.requests_s and not derived.is_baseline(record)
    return latency if known else None


def _fastest_first(groups: Sequence[LatencyPanel]) -> list[str]:
    medians: dict[str, list[float]] = {}
    for panel in groups:
        for model, values in panel.requests_ms.items():
            medians.setdefault(model, []).append(median(values))
    return sorted(medians, key=lambda model: (median(medians[model]), model))


def _table(groups: Sequence[LatencyPanel], models: Sequence[str]) -> Table:
    return table_of(
        headers(
            ("Model", "Collection", *(LATENCIES_MS[p].head for p in _PERCENTILES), "Requests"),
            texts=2,
        ),
        (
            (
                Entry(value=model),
                Entry(value=panel.title),
                *(
                    Entry(value=percentile(panel.requests_ms[model], p), form=LATENCIES_MS[p].form)
                    for p in _PERCENTILES
                ),
                Entry(value=len(panel.requests_ms[model]), form="fixed"),
            )
            for panel in groups
            for model in models
            if model in panel.requests_ms
        ),
        title="Latency of single requests",
    )


def _description(groups: Sequence[LatencyPanel]) -> str:
    return in_words(
        f"{model} on {panel.title}: P50 {LATENCIES_MS[50].say(percentile(values, 50))}, P95 "
        f"{LATENCIES_MS[95].say(percentile(values, 95))}."
        for panel in groups
        for model, values in panel.requests_ms.items()
    )


def _notes(
    groups: Sequence[LatencyPanel], same_setting: Board, elsewhere: Sequence[str]
) -> list[str]:
    notes = [
        "Every stroke is a request: one query with its documents. Bar: the middle half; dot: the "
        "median; thick stroke: P95.",
        Markup("Measured on {}.").format(
            isolated(derived.machine(next(iter(same_setting.squares.values()))))
        ),
    ]
    most = strokes_each(groups)
    if any(len(values) > most for panel in groups for values in panel.requests_ms.values()):
        notes.append(
            f"Rows with more than {most} requests show only {most}, evenly by rank; "
            "percentiles count all."
        )
    if elsewhere:
        notes.append(
            Markup("Not shown, timed on another machine or device: {}.").format(names(elsewhere))
        )
    return notes
