"""What the report is about: how much was run, of what, when and where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from rerankbench.leaderboard.renderers.templates import isolated
from rerankbench.report.boards import Board
from rerankbench.report.sections.section import Section, facts, names
from rerankbench.results import derived
from rerankbench.types import Record


def summary(boards: Sequence[Board]) -> Section:
    """Counts, then facts."""
    records = [record for board in boards for record in board.records]
    models = {one.cell.reranker.name for one in records if not derived.is_baseline(one)}
    tasks = {task: record for board in boards for (_, task), record in board.squares.items()}
    collections = dict.fromkeys(one.cell.collection.name for one in tasks.values())
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


def _card(count: int, one: str, many: str) -> Markup:
    noun = one if count == 1 else many
    return Markup('<div class="card"><b>{:,}</b><span>{}</span></div>').format(count, noun)


def _lines(values: Iterable[str]) -> Markup:
    return Markup("").join(Markup("<div>{}</div>").format(isolated(value)) for value in values)


def _machines(records: Sequence[Record]) -> list[str]:
    """Where models ran; baselines do no work, they tell only where there is nothing else."""
    models = [record for record in records if not derived.is_baseline(record)]
    return sorted(set(map(derived.machine, models or records)))
